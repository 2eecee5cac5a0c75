//! MLflow's REST API over the database that MLflow made: what its handlers answer, a few entries a page.

use std::{
    fmt,
    fs::File,
    io::{Cursor, Read},
    path::{Path, PathBuf},
    sync::Mutex,
};

use mlops_registry::{MlflowRefusal, MlflowRequest, MlflowServer};
use rusqlite::{Connection, Params, Row, types::ValueRef};
use serde_json::{Map, Value, json};

use crate::mlflow::Mlflow;

/// The most entries of a page.
const PAGE: usize = 3;
const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

type Change = Box<dyn Fn(&MlflowRequest, &mut Value) + Send + Sync>;

/// A server over a database; its answers may be changed on their way.
pub(crate) struct Rest {
    database: Mutex<Connection>,
    root: PathBuf,
    /// How many requests it takes before it breaks down.
    pub(crate) strength: Mutex<usize>,
    /// The paths that were downloaded.
    pub(crate) downloads: Mutex<Vec<String>>,
    change: Change,
    /// What a download gives in the place of the file.
    pub(crate) content: Option<Vec<u8>>,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}

impl Rest {
    pub(crate) fn new(mlflow: &Mlflow) -> Self {
        Self::changing(mlflow, |_, _| ())
    }

    pub(crate) fn changing(
        mlflow: &Mlflow,
        change: impl Fn(&MlflowRequest, &mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self {
            database: Mutex::new(Connection::open(mlflow.database()).unwrap()),
            root: mlflow.artifacts(),
            strength: Mutex::new(usize::MAX),
            downloads: Mutex::default(),
            change: Box::new(change),
            content: None,
        }
    }

    /// Rows as objects; what is missing is left out, as protocol buffers do.
    fn rows(&self, sql: &str, params: impl Params) -> Vec<Value> {
        let database = self.database.lock().unwrap();
        let mut statement = database.prepare(sql).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let object = |row: &Row<'_>| {
            let mut object = Map::new();
            for (at, name) in names.iter().enumerate() {
                let value = match row.get_ref(at)? {
                    ValueRef::Null => continue,
                    ValueRef::Integer(number) => json!(number),
                    ValueRef::Real(number) => json!(number),
                    ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
                    ValueRef::Blob(_) => panic!("no column has bytes"),
                };
                object.insert(name.clone(), value);
            }
            Ok(Value::Object(object))
        };
        let rows = statement.query_map(params, object).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    fn pairs(&self, table: &str, column: &str, id: &Value) -> Vec<Value> {
        let prefix = match table {
            "logged_model_params" => "param_",
            "logged_model_tags" => "tag_",
            _ => "",
        };
        let sql = format!(
            "SELECT {prefix}key AS key, {prefix}value AS value FROM {table} WHERE {column} = ?1"
        );
        match id {
            Value::String(id) => self.rows(&sql, [id]),
            id => self.rows(&sql, [id.as_i64().unwrap()]),
        }
    }

    /// A location behind the proxy.
    fn proxied(&self, value: &mut Value) {
        let root = self.root.to_str().unwrap();
        if let Some(path) = value.as_str().and_then(|path| path.strip_prefix(root)) {
            *value = json!(format!("mlflow-artifacts:{path}"));
        }
    }

    fn answer(&self, path: &str, body: &Value) -> Option<Value> {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        let (field, all) = match path.trim_start_matches("/api/2.0/mlflow") {
            "/experiments/search" => ("experiments", self.experiments()),
            "/runs/search" => {
                let sql = "SELECT run_uuid AS run_id FROM runs WHERE experiment_id = ?1 ORDER BY start_time, run_uuid";
                let runs = self.rows(sql, [body["experiment_ids"][0].as_str().unwrap()]);
                let runs = runs.into_iter().map(|info| json!({ "info": info }));
                ("runs", runs.collect())
            }
            "/runs/get" => return Some(json!({ "run": self.run(&text("run_id"))? })),
            "/metrics/get-history" => {
                let sql = "SELECT key, CASE WHEN is_nan THEN 'NaN' ELSE value END AS value, timestamp, step
                    FROM metrics WHERE run_uuid = ?1 AND key = ?2 ORDER BY timestamp, step, value";
                let points = self.rows(sql, [text("run_id"), text("metric_key")]);
                ("metrics", points)
            }
            "/logged-models/search" => {
                let experiment = body["experiment_ids"][0].as_str().unwrap();
                ("models", self.logged_models(experiment))
            }
            "/registered-models/search" => {
                let prompts = !text("filter").is_empty();
                let models = if prompts { vec![] } else { self.models() };
                ("registered_models", models)
            }
            "/model-versions/search" => {
                let filter = text("filter");
                let prompts = filter.contains(" AND ");
                let name = filter.split('\'').nth(1).unwrap();
                let versions = if prompts { vec![] } else { self.versions(name) };
                ("model_versions", versions)
            }
            _ => return None,
        };
        let from: usize = text("page_token").parse().unwrap_or(0);
        let page = usize::try_from(body["max_results"].as_u64().unwrap()).unwrap();
        let page = if field == "metrics" {
            page
        } else {
            page.min(PAGE)
        };
        let mut answer = json!({});
        let found: Vec<Value> = all.iter().skip(from).take(page).cloned().collect();
        if from + found.len() < all.len() {
            answer["next_page_token"] = json!((from + found.len()).to_string());
        }
        // an empty list is left out
        if !found.is_empty() {
            answer[field] = Value::Array(found);
        }
        Some(answer)
    }

    fn experiments(&self) -> Vec<Value> {
        let mut all = self.rows(
            "SELECT experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time
             FROM experiments ORDER BY experiment_id",
            [],
        );
        for experiment in &mut all {
            let id = experiment["experiment_id"].clone();
            experiment["tags"] = json!(self.pairs("experiment_tags", "experiment_id", &id));
            experiment["experiment_id"] = json!(id.to_string());
            self.proxied(&mut experiment["artifact_location"]);
        }
        all
    }

    fn run(&self, id: &str) -> Option<Value> {
        let mut found = self.rows(
            "SELECT run_uuid AS run_id, name AS run_name, user_id, status, start_time, end_time, lifecycle_stage,
                artifact_uri, experiment_id FROM runs WHERE run_uuid = ?1",
            [id],
        );
        let mut info = found.pop()?;
        info["experiment_id"] = json!(info["experiment_id"].to_string());
        self.proxied(&mut info["artifact_uri"]);
        let key = json!(id);
        let mut datasets = self.rows(
            "SELECT input_uuid, name, digest, dataset_source_type AS source_type, dataset_source AS source,
                dataset_schema AS schema, dataset_profile AS profile
             FROM inputs JOIN datasets ON dataset_uuid = source_id
             WHERE destination_id = ?1 AND source_type = 'DATASET'",
            [id],
        );
        for input in &mut datasets {
            let uuid = input.as_object_mut().unwrap().remove("input_uuid").unwrap();
            let sql = "SELECT name AS key, value FROM input_tags WHERE input_uuid = ?1";
            let tags = self.rows(sql, [uuid.as_str().unwrap()]);
            *input = json!({ "dataset": input, "tags": tags });
        }
        let links = |kind: &str| {
            let sql = "SELECT destination_id AS model_id, step FROM inputs WHERE source_id = ?1 AND source_type = ?2";
            self.rows(sql, [id, kind])
        };
        Some(json!({
            "info": info,
            "data": {
                "params": self.pairs("params", "run_uuid", &key),
                "tags": self.pairs("tags", "run_uuid", &key),
                "metrics": self.rows("SELECT key, value FROM (SELECT DISTINCT key, 0.5 AS value, run_uuid FROM metrics) WHERE run_uuid = ?1", [id]),
            },
            "inputs": { "dataset_inputs": datasets, "model_inputs": links("RUN_INPUT") },
            "outputs": { "model_outputs": links("RUN_OUTPUT") },
        }))
    }

    fn logged_models(&self, experiment: &str) -> Vec<Value> {
        let mut all = self.rows(
            "SELECT model_id, name, artifact_location AS artifact_uri, creation_timestamp_ms, last_updated_timestamp_ms,
                CASE status WHEN 1 THEN 'LOGGED_MODEL_PENDING' WHEN 2 THEN 'LOGGED_MODEL_READY'
                    ELSE 'LOGGED_MODEL_UPLOAD_FAILED' END AS status, model_type, source_run_id, status_message
             FROM logged_models WHERE experiment_id = ?1 AND lifecycle_stage = 'active' ORDER BY model_id",
            [experiment],
        );
        for model in &mut all {
            let id = model["model_id"].clone();
            let sql = "SELECT metric_name AS key, metric_value AS value, metric_timestamp_ms AS timestamp,
                metric_step AS step, run_id, dataset_name, dataset_digest FROM logged_model_metrics WHERE model_id = ?1";
            let metrics = self.rows(sql, [id.as_str().unwrap()]);
            model["tags"] = json!(self.pairs("logged_model_tags", "model_id", &id));
            self.proxied(&mut model["artifact_uri"]);
            let data = json!({
                "params": self.pairs("logged_model_params", "model_id", &id), "metrics": metrics,
            });
            *model = json!({ "info": model, "data": data });
        }
        all
    }

    fn models(&self) -> Vec<Value> {
        let mut all = self.rows(
            "SELECT name, creation_time AS creation_timestamp, last_updated_time AS last_updated_timestamp, description
             FROM registered_models ORDER BY name",
            [],
        );
        for model in &mut all {
            let name = model["name"].clone();
            model["tags"] = json!(self.pairs("registered_model_tags", "name", &name));
            let sql = "SELECT alias, CAST(version AS TEXT) AS version FROM registered_model_aliases WHERE name = ?1";
            model["aliases"] = json!(self.rows(sql, [name.as_str().unwrap()]));
        }
        all
    }

    fn versions(&self, name: &str) -> Vec<Value> {
        let mut all = self.rows(
            "SELECT name, CAST(version AS TEXT) AS version, creation_time AS creation_timestamp,
                last_updated_time AS last_updated_timestamp, description, user_id, current_stage, source, run_id, status,
                status_message, run_link
             FROM model_versions WHERE name = ?1 AND current_stage <> 'Deleted_Internal' ORDER BY version DESC",
            [name],
        );
        for version in &mut all {
            let sql = "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = ?2";
            let number: i64 = version["version"].as_str().unwrap().parse().unwrap();
            version["tags"] = json!(self.rows(sql, (name, number)));
        }
        all
    }

    fn list(&self, path: &str) -> Value {
        let folder = self.root.join(path);
        let Ok(entries) = folder.read_dir() else {
            return json!({});
        };
        let entries = entries.map(|entry| {
            let (entry, mut file) = (entry.unwrap(), json!({}));
            file["path"] = json!(entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                file["is_dir"] = json!(true);
            } else {
                // a whole number of 64 bits is a text in the JSON of protocol buffers
                file["file_size"] = json!(entry.metadata().unwrap().len().to_string());
            }
            file
        });
        json!({ "files": entries.collect::<Vec<_>>() })
    }

    fn spend(&self) -> Result<(), MlflowRefusal> {
        let mut strength = self.strength.lock().unwrap();
        match strength.checked_sub(1) {
            Some(left) => *strength = left,
            None => return Err(refusal(503, "TEMPORARILY_UNAVAILABLE")),
        }
        Ok(())
    }
}

fn refusal(status: u16, code: &str) -> MlflowRefusal {
    MlflowRefusal {
        status: Some(status),
        code: code.to_owned(),
        message: "no".to_owned(),
    }
}

impl MlflowServer for Rest {
    fn call(&self, request: &MlflowRequest) -> Result<Value, MlflowRefusal> {
        self.spend()?;
        let answer = if request.path == FILES {
            Some(self.list(request.body["path"].as_str().unwrap()))
        } else {
            self.answer(&request.path, &request.body)
        };
        let mut answer = answer.ok_or_else(|| refusal(404, "RESOURCE_DOES_NOT_EXIST"))?;
        (self.change)(request, &mut answer);
        Ok(answer)
    }

    fn upload(&self, _: &str, _: &mut dyn Read) -> Result<(), MlflowRefusal> {
        Err(refusal(501, "NOT_IMPLEMENTED"))
    }

    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal> {
        self.spend()?;
        let path = mlops_store::percent_decode(path).unwrap().into_owned();
        let path = path.strip_prefix(FILES).unwrap().trim_start_matches('/');
        assert!(
            Path::new(path)
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_))),
            "{path}"
        );
        self.downloads.lock().unwrap().push(path.to_owned());
        match &self.content {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes))),
            None => match File::open(self.root.join(path)) {
                Ok(file) => Ok(Box::new(file)),
                Err(_) => Err(refusal(404, "RESOURCE_DOES_NOT_EXIST")),
            },
        }
    }
}
