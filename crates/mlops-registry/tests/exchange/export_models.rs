//! Registered models arrive under their numbers: held to a server that counts and deletes as MLflow does.

use std::{collections::BTreeMap, io::Read, sync::Mutex};

use mlops_core::{AliasName, ErrorKind, ModelName};
use mlops_registry::{
    ExperimentSearch, ExportReport, MlflowRefusal, MlflowRequest, MlflowServer, MlflowVerb,
    NewVersion, Registry, Stage, View,
};
use serde_json::{Value, json};

use crate::{
    export::{Server, pairs, text},
    mlflow::Mlflow,
};

/// A model there.
#[derive(Debug, Default, Clone)]
struct Model {
    description: String,
    tags: BTreeMap<String, String>,
    aliases: BTreeMap<String, String>,
    versions: BTreeMap<u32, Value>,
    last: u32,
}

/// The answers of MLflow's registry, beside those of its tracking.
#[derive(Debug)]
struct Shelf {
    server: Server,
    models: Mutex<BTreeMap<String, Model>>,
}

impl Shelf {
    fn new() -> Self {
        Self {
            server: Server::new(),
            models: Mutex::default(),
        }
    }

    fn model(&self, name: &str) -> Model {
        self.models.lock().unwrap()[name].clone()
    }

    fn strength(&self, requests: usize) {
        *self.server.strength.lock().unwrap() = requests;
    }

    fn answer(&self, request: &MlflowRequest) -> Option<Value> {
        let body = &request.body;
        let mut models = self.models.lock().unwrap();
        let name = text(&body["name"]);
        let number = || text(&body["version"]).parse::<u32>().unwrap();
        let tags = |of: &BTreeMap<String, String>| -> Vec<Value> {
            let pair = |(key, value)| json!({ "key": key, "value": value });
            of.iter().map(pair).collect()
        };
        let told = |name: &str, model: &Model| {
            let aliases = model.aliases.iter();
            let aliases =
                aliases.map(|(alias, version)| json!({ "alias": alias, "version": version }));
            json!({ "registered_model": {
                "name": name, "description": model.description, "tags": tags(&model.tags),
                "aliases": aliases.collect::<Vec<_>>(),
            } })
        };
        let path = request.path.trim_start_matches("/api/2.0/mlflow");
        Some(match path {
            "/registered-models/get" => told(&name, models.get(&name)?),
            "/registered-models/create" => {
                let model = Model {
                    description: text(&body["description"]),
                    tags: pairs(&body["tags"]).into_iter().collect(),
                    ..Model::default()
                };
                let told = told(&name, &model);
                assert!(models.insert(name, model).is_none());
                told
            }
            "/registered-models/update" => {
                assert_eq!(request.verb, MlflowVerb::Patch);
                models.get_mut(&name)?.description = text(&body["description"]);
                json!({})
            }
            "/registered-models/set-tag" => {
                let tags = &mut models.get_mut(&name)?.tags;
                tags.insert(text(&body["key"]), text(&body["value"]));
                json!({})
            }
            "/registered-models/alias" => {
                let model = models.get_mut(&name)?;
                assert!(model.versions.contains_key(&number()));
                model
                    .aliases
                    .insert(text(&body["alias"]), number().to_string());
                json!({})
            }
            "/model-versions/search" => {
                let name = text(&body["filter"]).split('\'').nth(1).unwrap().to_owned();
                let found = models.get(&name).map(|model| model.versions.clone());
                json!({ "model_versions": found.unwrap_or_default().into_values().collect::<Vec<_>>() })
            }
            "/model-versions/create" => {
                let model = models.get_mut(&name)?;
                model.last += 1;
                let mut version = body.clone();
                version["version"] = json!(model.last.to_string());
                version["current_stage"] = json!("None");
                model.versions.insert(model.last, version.clone());
                json!({ "model_version": version })
            }
            "/model-versions/delete" => {
                assert_eq!(request.verb, MlflowVerb::Delete);
                let model = models.get_mut(&name)?;
                model.versions.remove(&number())?;
                model
                    .aliases
                    .retain(|_, version| *version != number().to_string());
                json!({})
            }
            "/model-versions/update" | "/model-versions/transition-stage" => {
                let version = models.get_mut(&name)?.versions.get_mut(&number())?;
                if body["stage"].is_string() {
                    version["current_stage"] = body["stage"].clone();
                } else {
                    version["description"] = body["description"].clone();
                }
                json!({})
            }
            "/model-versions/set-tag" => {
                let version = models.get_mut(&name)?.versions.get_mut(&number())?;
                let tag = json!({ "key": body["key"], "value": body["value"] });
                let tags = version["tags"].as_array_mut().unwrap();
                tags.retain(|known| known["key"] != tag["key"]);
                tags.push(tag);
                json!({})
            }
            _ => return None,
        })
    }
}

impl MlflowServer for Shelf {
    fn call(&self, request: &MlflowRequest) -> Result<Value, MlflowRefusal> {
        let models = ["/registered-models/", "/model-versions/"];
        if !models.iter().any(|path| request.path.contains(path)) {
            return self.server.call(request);
        }
        let refusal = |status, code: &str| MlflowRefusal {
            status: Some(status),
            code: code.to_owned(),
            message: "no".to_owned(),
        };
        let mut strength = self.server.strength.lock().unwrap();
        let left = strength.checked_sub(1);
        let done = self.answer(request);
        // the last request is done, and its answer is lost
        let Some(left) = left else {
            return Err(refusal(503, "TEMPORARILY_UNAVAILABLE"));
        };
        *strength = left;
        done.ok_or_else(|| refusal(404, "RESOURCE_DOES_NOT_EXIST"))
    }

    fn upload(&self, path: &str, content: &mut dyn Read) -> Result<(), MlflowRefusal> {
        self.server.upload(path, content)
    }

    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal> {
        self.server.download(path)
    }
}

fn imported() -> Registry {
    let registry = Registry::memory().unwrap();
    Mlflow::new().import().into_registry(&registry).unwrap();
    registry
}

/// Sends everything.
fn export(registry: &Registry, shelf: &Shelf) -> mlops_registry::Result<[ExportReport; 2]> {
    let search = ExperimentSearch {
        view: View::All,
        ..ExperimentSearch::default()
    };
    let experiments = registry.tracking().search_experiments(&search)?.items;
    let experiments = experiments.into_iter().map(|experiment| experiment.id);
    Ok([
        registry.export_experiments(experiments, shelf)?,
        registry.export_models(registry.models()?, shelf)?,
    ])
}

fn tags(version: &Value) -> BTreeMap<String, String> {
    let mut tags: BTreeMap<_, _> = pairs(&version["tags"]).into_iter().collect();
    assert!(tags.remove("mlops.id").is_some());
    tags
}

/// What must be there, but for sources.
fn check(registry: &Registry, shelf: &Shelf) {
    for name in registry.models().unwrap() {
        let (here, there) = (
            registry.model(name.as_str()).unwrap(),
            shelf.model(name.as_str()),
        );
        let info = here.info().unwrap();
        assert_eq!(
            (info.description, info.tags),
            (there.description, there.tags)
        );
        let mut aliases: BTreeMap<String, String> = here
            .aliases()
            .unwrap()
            .into_iter()
            .map(|(alias, version)| (alias.to_string(), version.to_string()))
            .collect();
        aliases.remove("production");
        assert_eq!(aliases, there.aliases);
        let versions = here.versions().unwrap();
        let numbers: Vec<u32> = versions.iter().map(|version| version.version).collect();
        assert_eq!(
            numbers,
            there.versions.keys().copied().collect::<Vec<_>>(),
            "{name}"
        );
        for version in versions {
            let found = &there.versions[&version.version];
            assert_eq!(found["current_stage"], json!(version.stage));
            assert_eq!(text(&found["description"]), version.description);
            let mut found = tags(found);
            found.remove("mlops.source");
            assert_eq!(found, version.tags);
        }
    }
}

#[test]
fn models_arrive_with_versions_stages_aliases_and_tags() {
    let (registry, shelf) = (imported(), Shelf::new());
    let [experiments, models] = export(&registry, &shelf).unwrap();
    assert_eq!((models.new_models, models.new_versions), (3, 5));
    check(&registry, &shelf);
    // sources lead to what has been sent before
    let churn = shelf.model("churn model");
    let first = &churn.versions[&1];
    let made = text(&first["model_id"]);
    assert_eq!(text(&first["source"]), format!("models:/{made}"));
    assert!(
        shelf
            .server
            .tracking()
            .logged_model(&made.parse().unwrap())
            .is_ok()
    );
    let run = text(&churn.versions[&2]["run_id"]);
    assert!(experiments.runs.values().any(|there| *there == run));
    assert_eq!(
        text(&churn.versions[&2]["source"]),
        format!("runs:/{run}/model")
    );
    let [experiments, models] = export(&registry, &shelf).unwrap();
    assert_eq!(
        (experiments.new_runs, experiments.new_logged_models),
        (0, 0)
    );
    assert_eq!((models.new_models, models.new_versions), (0, 0));
    check(&registry, &shelf);
}

#[test]
fn an_export_whose_answers_are_lost_makes_nothing_twice() {
    let (registry, shelf) = (imported(), Shelf::new());
    let mut tries = 0;
    loop {
        shelf.strength(tries);
        match export(&registry, &shelf) {
            Ok(_) => break,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
        tries += 1 + tries / 16;
    }
    assert!(tries > 40, "{tries}");
    check(&registry, &shelf);
    // every number was given once, but for the tombstones in between
    assert_eq!(shelf.model("two serve").last, 2);
    assert_eq!(shelf.model("churn model").last, 4);
}

#[test]
fn a_later_export_follows_what_changed_here() {
    let (registry, shelf) = (imported(), Shelf::new());
    export(&registry, &shelf).unwrap();
    let model = registry.model("churn model").unwrap();
    let name = model.name();
    model.set_description("another one").unwrap();
    model.set_tag("owner", "grace").unwrap();
    model.describe_version(1, "the first").unwrap();
    registry.transition(name, 4, Stage::Archived, "").unwrap();
    let best = AliasName::new("best-so-far").unwrap();
    model.set_alias(&best, 1).unwrap();
    model.delete_version(4, "").unwrap();
    export(&registry, &shelf).unwrap();
    check(&registry, &shelf);
    // all from 4 to 7 are deleted here when 8 comes
    for _ in 0..2 {
        let next = NewVersion::source("s3://bucket/next");
        let next = model.register_version(next).unwrap().version;
        model.delete_version(next, "").unwrap();
    }
    let next = model.register_version(NewVersion::source("s3://bucket/last"));
    assert_eq!(next.unwrap().version, 8);
    export(&registry, &shelf).unwrap();
    check(&registry, &shelf);
    let last = shelf.model("churn model");
    assert_eq!(text(&last.versions[&8]["source"]), "s3://bucket/last");
    assert_eq!(last.last, 8);
}

#[test]
fn a_package_goes_as_a_logged_model_and_a_strange_source_as_a_tag() {
    let (registry, shelf) = (Registry::memory().unwrap(), Shelf::new());
    let model = registry.model("ours").unwrap();
    let bytes = registry.store().put_from(&b"weights"[..]).unwrap();
    let tree = mlops_store::Tree::new([mlops_store::TreeFile {
        path: "data/weights.bin".parse().unwrap(),
        digest: bytes.digest,
        size: bytes.size,
    }])
    .unwrap();
    let tree = registry.store().put_tree(&tree).unwrap();
    model.register_version(NewVersion::tree(tree)).unwrap();
    model
        .register_version(NewVersion::source("/home/ada/model"))
        .unwrap();
    let name = ModelName::new("ours").unwrap();
    let report = registry.export_models([name.clone()], &shelf).unwrap();
    assert_eq!((report.new_logged_models, report.artifacts), (1, 1));
    let there = shelf.model("ours");
    let id = text(&there.versions[&1]["model_id"]);
    let owner = mlops_registry::ArtifactOwner::Model(id.parse().unwrap());
    let read = shelf
        .server
        .tracking()
        .read_artifact(&owner, "data/weights.bin");
    assert_eq!(read.unwrap().as_ref(), b"weights");
    assert_eq!(tags(&there.versions[&2])["mlops.source"], "/home/ada/model");
    let said = report.notes.iter().any(|(what, text)| {
        what == "version 2 of `ours`" && text.contains("it stands in the tag `mlops.source`")
    });
    assert!(said, "{:?}", report.notes);
    let again = registry.export_models([name], &shelf).unwrap();
    assert_eq!((again.new_logged_models, again.artifacts), (0, 0));
}

#[test]
fn a_model_of_the_same_name_there_is_left_as_it_is() {
    let (registry, shelf) = (imported(), Shelf::new());
    let foreign = Model {
        versions: BTreeMap::from([(
            1,
            json!({ "name": "churn model", "version": "1", "tags": [] }),
        )]),
        last: 1,
        ..Model::default()
    };
    shelf
        .models
        .lock()
        .unwrap()
        .insert("churn model".into(), foreign);
    let [_, report] = export(&registry, &shelf).unwrap();
    let expected = (
        "registered model `churn model`".to_owned(),
        "left as it is: version 1 is another one there".to_owned(),
    );
    assert!(report.notes.contains(&expected), "{:?}", report.notes);
    assert_eq!(shelf.model("churn model").versions.len(), 1);
}
