//! A server of MLflow's REST API over HTTP.

use std::{fmt, io::Read, time::Duration};

use mlops::registry::{MlflowRefusal, MlflowRequest, MlflowServer, MlflowVerb};
use serde_json::Value;
use ureq::{Agent, Body, SendBody, http::Response};

/// The longest answer that is read, in bytes.
const ANSWER: u64 = 64 << 20;

/// A server by its root.
pub struct Http {
    agent: Agent,
    root: String,
}

impl Http {
    pub fn new(root: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        Self {
            agent: config.into(),
            root: root.trim_end_matches('/').to_owned(),
        }
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl MlflowServer for Http {
    fn call(&self, request: &MlflowRequest) -> Result<Value, MlflowRefusal> {
        let url = format!("{}{}", self.root, request.path);
        let sent = match request.verb {
            MlflowVerb::Get => {
                let fields = request.body.as_object().into_iter().flatten();
                let mut get = self.agent.get(&url);
                for (key, value) in fields {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    get = get.query(key, text);
                }
                get.call()
            }
            MlflowVerb::Patch => self.agent.patch(&url).send_json(&request.body),
            MlflowVerb::Delete => {
                let delete = self.agent.delete(&url).force_send_body();
                delete.send_json(&request.body)
            }
            _ => self.agent.post(&url).send_json(&request.body),
        };
        answer(sent)
    }

    fn upload(&self, path: &str, content: &mut dyn Read) -> Result<(), MlflowRefusal> {
        let url = format!("{}{path}", self.root);
        let mut content = content;
        let body = SendBody::from_reader(&mut content);
        answer(self.agent.put(&url).send(body)).map(drop)
    }

    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal> {
        let response = self.agent.get(format!("{}{path}", self.root)).call();
        match response {
            Ok(response) if response.status().is_success() => {
                Ok(Box::new(response.into_body().into_reader()))
            }
            refused => answer(refused).and_then(|_| Err(nothing("a redirection"))),
        }
    }
}

fn answer(sent: Result<Response<Body>, ureq::Error>) -> Result<Value, MlflowRefusal> {
    let silent = |error: ureq::Error| nothing(&error.to_string());
    let mut response = sent.map_err(silent)?;
    let status = response.status().as_u16();
    let text = response
        .body_mut()
        .with_config()
        .limit(ANSWER)
        .read_to_string();
    let text = text.map_err(silent)?;
    let value = serde_json::from_str::<Value>(&text);
    if (200..300).contains(&status) {
        // an upload is answered by nothing
        return Ok(value.unwrap_or_default());
    }
    let value = value.unwrap_or_default();
    let said = |field: &str| value[field].as_str().map(str::to_owned);
    Err(MlflowRefusal {
        status: Some(status),
        code: said("error_code").unwrap_or_else(|| format!("status {status}")),
        message: said("message").unwrap_or_else(|| text.chars().take(200).collect()),
    })
}

fn nothing(message: &str) -> MlflowRefusal {
    MlflowRefusal {
        status: None,
        code: "no answer".to_owned(),
        message: message.to_owned(),
    }
}
