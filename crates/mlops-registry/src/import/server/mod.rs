//! A server of MLflow's REST API as the source: what it answers is written into tables like those of a database,
//! a piece at a time, and read from there by the same rules.
//!
//! Answers are those of strangers. Each field is taken by its type, lists end where pages go in circles or grow past
//! a limit, and the limits of one answer are those of the caller's client.

mod answer;
mod files;
mod models;
mod stage;
mod tracking;

use serde_json::{Value, json};

use self::answer::Answer;
pub(super) use self::stage::open;
use super::ImportError;
use crate::{MlflowRefusal, MlflowRequest, MlflowServer, MlflowVerb, Result};

const ROOT: &str = "/api/2.0/mlflow";

/// A server that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remote<'a> {
    server: &'a dyn MlflowServer,
}

/// A list that comes in pages.
#[derive(Debug)]
struct Listing<'a> {
    verb: MlflowVerb,
    path: &'static str,
    /// What is listed, for messages.
    what: &'a str,
    /// The field that holds a page's entries.
    entries: &'static str,
    /// The fields of the request.
    body: Value,
    /// How many entries are asked for at once.
    page: usize,
    /// The most entries that the list may have.
    limit: usize,
}

impl<'a> Remote<'a> {
    pub(super) fn new(server: &'a dyn MlflowServer) -> Self {
        Self { server }
    }

    /// Sends a request; the path is the one after MLflow's root.
    fn ask(self, verb: MlflowVerb, path: &str, what: &str, body: Value) -> Result<Value> {
        Ok(self
            .try_ask(verb, path, body)
            .map_err(|source| ImportError::Refused {
                what: what.to_owned(),
                source,
            })?)
    }

    fn try_ask(self, verb: MlflowVerb, path: &str, body: Value) -> Result<Value, MlflowRefusal> {
        let path = format!("{ROOT}{path}");
        self.server.call(&MlflowRequest { verb, path, body })
    }

    /// Reads a list to its end. `each` says whether an entry was new.
    fn list(
        self,
        listing: Listing<'_>,
        mut each: impl FnMut(&Answer<'_>) -> Result<bool>,
    ) -> Result<()> {
        let Listing {
            verb,
            path,
            what,
            entries,
            mut body,
            page,
            limit,
        } = listing;
        let strange = |reason: String| ImportError::Server {
            what: what.to_owned(),
            reason,
        };
        body["max_results"] = json!(page);
        let mut left = limit;
        loop {
            let answer = self.ask(verb, path, what, body.clone())?;
            let answer = Answer::new(what, &answer)?;
            let found = answer.list(entries)?;
            left = left
                .checked_sub(found.len())
                .ok_or_else(|| strange(format!("it lists more than {limit}")))?;
            let mut new = false;
            for entry in found {
                new |= each(&entry)?;
            }
            let Some(next) = answer.filled("next_page_token")? else {
                return Ok(());
            };
            if !new {
                let reason = "a page with nothing new names another one";
                return Err(strange(reason.to_owned()).into());
            }
            body["page_token"] = json!(next);
        }
    }
}
