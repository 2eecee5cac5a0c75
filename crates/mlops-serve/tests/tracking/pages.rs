//! The pages: what a browser makes of them, what they show to whom, and what they cost.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use html5gum::{Token, Tokenizer};
use mlops_core::{EventTime, Principal, Stopwatch};
use mlops_registry::{
    ArtifactOwner, Batch, Dataset, DatasetInput, Metric, MetricPoint, NewExperiment,
    NewLoggedModel, NewRun, NewVersion, Policy, Registry, RunId, RunStatus, Stage,
};
use mlops_serve::{AccessToken, RunningServer, ServerPolicy, TrackingReport, TrackingServer};
use proptest::prelude::*;

use crate::support::{Answer, Call};

/// A registry with one of everything, in which `text` stands wherever a client may write one.
struct World {
    registry: Registry,
    experiment: String,
    runs: Vec<RunId>,
    logged_model: String,
    model: String,
}

fn at(step: i64, value: f64) -> MetricPoint {
    MetricPoint {
        step,
        time: EventTime::from_seconds(1_700_000_000 + step),
        value,
    }
}

/// What keys may hold is less than what values may.
fn as_key(text: &str) -> String {
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || "_-. /:".contains(*c));
    let key: String = kept.take(60).collect();
    let safe = key.replace("..", "_").replace("//", "_");
    format!("k{}", safe.trim_matches(['/', '.', ' ', ':']))
}

impl World {
    fn new(text: &str) -> Self {
        let registry = Registry::memory().unwrap();
        let tracking = registry.tracking();
        // names hold no control characters, values do
        let named: String = text.chars().filter(|c| !c.is_control()).collect();
        let tags = |own: &str| {
            BTreeMap::from([
                (as_key(text), text.to_owned()),
                ("mlflow.note.content".to_owned(), text.to_owned()),
                ("own".to_owned(), own.to_owned()),
            ])
        };
        let name = format!("e {named}").parse();
        let name = name.unwrap_or_else(|_| "e".parse().unwrap());
        let mut experiment = NewExperiment::new(name);
        experiment.tags = tags(text);
        let experiment = tracking.create_experiment(experiment).unwrap().id;
        let mut runs: Vec<RunId> = Vec::new();
        for i in 0..3_i64 {
            let mut tags = tags(text);
            if let Some(parent) = runs.first() {
                tags.insert("mlflow.parentRunId".into(), parent.to_string());
            }
            let run = tracking
                .create_run(NewRun {
                    name: Some(format!("r{i} {named}")),
                    user: text.chars().take(100).collect(),
                    tags,
                    ..NewRun::new(experiment)
                })
                .unwrap();
            let metrics = (0..5).map(|step| {
                let value = if step == 2 {
                    f64::NAN
                } else {
                    (step + i) as f64
                };
                Metric::new(as_key(text), at(step, value))
            });
            let params = BTreeMap::from([
                (as_key(text), format!("{text}{i}")),
                ("depth".to_owned(), i.to_string()),
            ]);
            let mut batch = Batch::of_metrics(metrics);
            batch.params = params.into_iter().collect();
            tracking.log_batch(&run.id, batch).unwrap();
            let dataset = Dataset {
                name: format!("d{text}"),
                digest: "1".into(),
                source_type: format!("s{}", text.chars().take(30).collect::<String>()),
                source: format!("s{text}"),
                schema: Some(text.to_owned()),
                profile: Some(text.to_owned()),
            };
            let input = DatasetInput {
                dataset,
                tags: BTreeMap::from([("mlflow.data.context".into(), text.to_owned())]),
            };
            tracking.log_inputs(&run.id, vec![input], vec![]).unwrap();
            let mut content = text.as_bytes();
            let owner = ArtifactOwner::Run(run.id.clone());
            let path = format!("{}/a.txt", as_key(text).replace([':', '/'], "_"));
            tracking.put_artifact(&owner, &path, &mut content).unwrap();
            runs.push(run.id);
        }
        let mut logged = NewLoggedModel::new(experiment);
        logged.source_run = Some(runs[0].clone());
        logged.tags = tags(text);
        let logged_model = tracking.create_logged_model(logged).unwrap().id.to_string();
        let model = "model".parse().unwrap();
        let model = registry.create_model(&model, text, &tags(text)).unwrap();
        for run in &runs[..2] {
            let version = NewVersion::source(format!("s3://{named}"))
                .description(text)
                .run(run.clone());
            let version = tags(text)
                .into_iter()
                .fold(version, |version, (key, value)| version.tag(key, value));
            model.register_version(version).unwrap();
        }
        model.set_alias(&"canary".parse().unwrap(), 2).unwrap();
        registry
            .transition(model.name(), 1, Stage::Staging, text)
            .unwrap();
        Self {
            experiment: experiment.to_string(),
            runs,
            logged_model,
            model: model.name().to_string(),
            registry,
        }
    }

    /// Every page that there is.
    fn addresses(&self) -> Vec<String> {
        let (experiment, model) = (&self.experiment, &self.model);
        let run = &self.runs[0];
        let ids: Vec<String> = self
            .runs
            .iter()
            .map(|run| format!("run_ids={run}"))
            .collect();
        vec![
            "/".into(),
            format!("/ui/experiments/{experiment}"),
            format!("/ui/experiments/{experiment}?view=all&order_by=params.depth+DESC"),
            format!("/ui/runs/{run}"),
            format!("/ui/runs/{run}?along=time"),
            format!("/ui/compare?{}", ids.join("&")),
            "/ui/compare".into(),
            format!("/ui/logged-models/{}", self.logged_model),
            "/ui/models".into(),
            format!("/ui/models/{model}"),
            format!("/ui/models/{model}/versions/1"),
            format!("/ui/models/{model}/compare?left=1&right=2"),
            "/ui/audit".into(),
            "/ui/audit?verify=true".into(),
        ]
    }

    fn serve(&self) -> RunningServer {
        TrackingServer::new(self.registry.clone())
            .bind("127.0.0.1:0")
            .unwrap()
    }
}

fn html(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// The elements with the names of their attributes, as the tokenizer of a browser sees them; and all that looks
/// like markup to it and is none.
fn elements(html: &str) -> BTreeSet<String> {
    const REFUSED: [&str; 12] = [
        "script",
        "iframe",
        "img",
        "object",
        "embed",
        "base",
        "link",
        "video",
        "audio",
        "template",
        "math",
        "foreignobject",
    ];
    let mut seen = BTreeSet::new();
    for token in Tokenizer::new(html) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                assert!(!REFUSED.contains(&name.as_str()), "<{name}>");
                for (attribute, value) in &tag.attributes {
                    let attribute = String::from_utf8_lossy(attribute).into_owned();
                    let value = String::from_utf8_lossy(value);
                    assert!(
                        !attribute.starts_with("on") && attribute != "style",
                        "{attribute}"
                    );
                    if ["href", "action", "src", "formaction"].contains(&attribute.as_str()) {
                        let local = value.starts_with(['/', '#', '?']) && !value.starts_with("//");
                        assert!(local, "{attribute}={value}");
                    }
                    seen.insert(format!("{name} {attribute}"));
                }
                seen.insert(name);
            }
            Token::Comment(_) => panic!("a comment"),
            Token::Error(error) => panic!("{error:?}"),
            _ => {}
        }
    }
    seen
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onload='alert(1)' x='",
    "</title></style></textarea></svg><iframe src=//x>",
    "javascript:alert(1)//\\ & &lt;b&gt; ]]> <!-- --> `<b>`",
    "\u{202e}txt.exe ﷽ a\u{300}🎉",
];

#[test]
fn whatever_clients_write_stays_text_on_every_page() {
    let seen_with = |text: &str| {
        let world = World::new(text);
        let server = world.serve();
        let call = Call::to(server.addr());
        let mut seen = BTreeMap::new();
        for (place, address) in world.addresses().iter().enumerate() {
            let answer = call.get(address);
            let body = html(&answer);
            assert_eq!(answer.status, 200, "{address}: {body}");
            assert!(!body.contains('\u{202e}'), "{address}");
            seen.insert(place, elements(&body));
        }
        let report = TrackingReport::new(&world.registry);
        let experiment = world.experiment.parse().unwrap();
        let files = [
            report.experiment(experiment, "", None).unwrap(),
            report
                .versions(&world.model.parse().unwrap(), 1, 2)
                .unwrap(),
        ];
        for (place, file) in files.iter().enumerate() {
            seen.insert(100 + place, elements(file));
        }
        seen
    };
    let mut plain = seen_with("plain");
    for elements in plain.values_mut() {
        // what backticks in prose become
        elements.insert("code".into());
    }
    for text in HOSTILE {
        for (place, elements) in seen_with(text) {
            let new: Vec<_> = elements.difference(&plain[&place]).collect();
            assert!(new.is_empty(), "{text:?} brought {new:?} to page {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_text_makes_pages_that_a_browser_reads(text in "[<>\"'&`a-z/ \\\\=;:%\u{202e}\u{0}\u{85}é漢]{0,24}") {
        let world = World::new(&text);
        let server = world.serve();
        let call = Call::to(server.addr());
        for address in world.addresses() {
            let answer = call.get(&address);
            prop_assert_eq!(answer.status, 200, "{}", address);
            elements(&html(&answer));
        }
    }
}

#[test]
fn any_query_makes_a_page_or_an_error_of_the_readers() {
    let world = World::new("plain");
    let server = world.serve();
    let call = Call::to(server.addr());
    let hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%60";
    for address in world.addresses() {
        for name in [
            "filter",
            "order_by",
            "view",
            "columns",
            "page_token",
            "name",
            "after",
            "before",
            "along",
            "path",
            "x",
            "y",
            "left",
            "right",
            "verify",
            "run_ids",
        ] {
            let join = if address.contains('?') { '&' } else { '?' };
            let answer = call.get(&format!("{address}{join}{name}={hostile}"));
            assert!([200, 400, 404].contains(&answer.status), "{address} {name}");
            assert_eq!(
                answer.header("content-type"),
                Some("text/html; charset=utf-8")
            );
            elements(&html(&answer));
        }
    }
}

#[test]
fn a_browser_is_told_to_run_nothing_and_to_fetch_nothing() {
    let world = World::new("plain");
    let server = world.serve();
    let call = Call::to(server.addr());
    let missing = [
        "/ui/nothing".to_owned(),
        "/ui/runs/0".into(),
        "/ui/models/none".into(),
    ];
    for address in world.addresses().iter().chain(&missing) {
        let answer = call.get(address);
        let header = |name: &str| answer.header(name).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{address} {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("set-cookie"), None);
        assert!(header("cache-control").contains("no-store"));
    }
    let file = format!(
        "/ui/artifacts/{}/{}/artifacts/kplain/a.txt",
        world.experiment, world.runs[0]
    );
    let answer = call.get(&file);
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, &b"plain"[..])
    );
    assert!(
        answer
            .header("content-disposition")
            .unwrap()
            .starts_with("attachment")
    );
}

#[test]
fn a_link_elsewhere_leads_here_and_nothing_else_from_there_does() {
    let world = World::new("plain");
    let server = world.serve();
    let from = |site: &str, mode: &str, dest: &str, path: &str| {
        Call::to(server.addr())
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", dest)
            .get(path)
            .status
    };
    assert_eq!(from("cross-site", "navigate", "document", "/"), 200);
    assert_eq!(from("cross-site", "navigate", "iframe", "/"), 403);
    assert_eq!(from("cross-site", "no-cors", "image", "/"), 403);
    assert_eq!(from("cross-site", "cors", "empty", "/ui/models"), 403);
    let api = "/api/2.0/mlflow/experiments/search";
    assert_eq!(from("cross-site", "navigate", "document", api), 403);
    let rebound = Call::to(server.addr()).header("host", "evil.example.com");
    assert_eq!(rebound.get("/").status, 403);
}

fn token(who: &str) -> AccessToken {
    let mut entropy = [0; 32];
    entropy[..who.len()].copy_from_slice(who.as_bytes());
    AccessToken::from_entropy(&entropy)
}

#[test]
fn a_reader_sees_what_their_role_may_read_and_nothing_else() {
    let world = World::new("plain");
    let secret = NewExperiment::new("secret".parse().unwrap());
    let tracking = world.registry.tracking();
    let secret = tracking.create_experiment(secret).unwrap().id;
    let run = tracking.create_run(NewRun::new(secret)).unwrap().id;
    let model = "secret".parse().unwrap();
    let model = world
        .registry
        .create_model(&model, "", &BTreeMap::new())
        .unwrap();
    model
        .register_version(NewVersion::source("s3://x"))
        .unwrap();
    let policy = format!(
        r#"{{"version": 1,
            "roles": {{"reader": {{"experiments": {{"e*": "read"}}, "models": {{"model": "read"}}}}, "none": {{}}}},
            "principals": {{"ada": {{"roles": ["reader"], "tokens": ["{}"]}},
                            "eve": {{"roles": ["none"], "tokens": ["{}"]}}}}}}"#,
        token("ada").hash(),
        token("eve").hash()
    );
    let server = TrackingServer::new(world.registry.clone())
        .policy(ServerPolicy::from_json(policy.as_bytes()).unwrap())
        .bind("127.0.0.1:0")
        .unwrap();
    let by = |who: &str, address: &str| {
        Call::to(server.addr())
            .token(token(who).secret())
            .get(address)
    };
    for address in world.addresses() {
        let answer = by("ada", &address);
        assert_eq!(answer.status, 200, "{address}");
        assert!(!html(&answer).contains("secret"), "{address}");
        let answer = by("eve", &address);
        let listed = [
            "/",
            "/ui/models",
            "/ui/audit",
            "/ui/audit?verify=true",
            "/ui/compare",
        ];
        let expect = if listed.contains(&address.as_str()) {
            200
        } else {
            403
        };
        assert_eq!(answer.status, expect, "{address}");
        assert!(!html(&answer).contains("model_created") && !html(&answer).contains("/versions/"));
        let nobody = Call::to(server.addr()).get(&address);
        assert_eq!(nobody.status, 401, "{address}");
        assert!(nobody.header("www-authenticate").is_some());
    }
    for hidden in [
        format!("/ui/experiments/{secret}"),
        format!("/ui/runs/{run}"),
        format!("/ui/compare?run_ids={}&run_ids={run}", world.runs[0]),
        "/ui/models/secret".to_owned(),
        "/ui/models/secret/versions/1".to_owned(),
    ] {
        assert_eq!(by("ada", &hidden).status, 403, "{hidden}");
    }
}

#[test]
fn a_filter_that_does_not_read_is_marked_at_its_place() {
    let world = World::new("plain");
    let server = world.serve();
    let call = Call::to(server.addr());
    let page = |query: &str| {
        let answer = call.get(&format!("/ui/experiments/{}?{query}", world.experiment));
        assert_eq!(answer.status, 200, "{query}");
        html(&answer)
    };
    let wrong = page("filter=params.depth+%3E+1+OR+(metrics.x+%3E%3E+2)");
    assert!(
        wrong.contains("aria-invalid") && wrong.contains("(character 34)"),
        "{wrong}"
    );
    let wrong = page("order_by=nonsense.x");
    assert!(wrong.contains("aria-invalid"));
    let found = page("filter=params.depth+%3E%3D+1+AND+(params.depth+%3D+1+OR+params.depth+%3D+2)");
    assert_eq!(found.matches("name=\"run_ids\"").count(), 2);
    let none = page("filter=params.depth+%3D+7");
    assert!(none.contains("No run fits the filter"));
}

#[test]
fn pages_of_runs_follow_each_other_and_children_stand_below_their_parents() {
    let world = World::new("plain");
    let tracking = world.registry.tracking();
    let experiment = world.experiment.parse().unwrap();
    for _ in 0..117 {
        tracking.create_run(NewRun::new(experiment)).unwrap();
    }
    let server = world.serve();
    let call = Call::to(server.addr());
    let mut address = format!(
        "/ui/experiments/{}?order_by=attributes.start_time+ASC",
        world.experiment
    );
    let mut seen = BTreeSet::new();
    for expect in [50, 50, 20] {
        let body = html(&call.get(&address));
        let ticks: Vec<&str> = body
            .split("name=\"run_ids\" value=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(ticks.len(), expect);
        seen.extend(ticks.iter().map(|id| (*id).to_owned()));
        if expect == 20 {
            assert!(!body.contains("Next page"));
            break;
        }
        let before = body.split("\">Next page").next().unwrap();
        address = before
            .rsplit("href=\"")
            .next()
            .unwrap()
            .replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 120);
    let first = html(&call.get(&format!(
        "/ui/experiments/{}?order_by=attributes.start_time+ASC",
        world.experiment
    )));
    assert!(first.contains("class=\"short d1\""), "a child is set in");
}

#[test]
fn open_requests_tell_which_sign_offs_are_missing() {
    let world = World::new("plain");
    let policy = r#"{
        "format": 1,
        "roles": { "trainer": ["mlops", "local"], "lead": ["ada"], "compliance": ["grace"] },
        "grants": [
            { "role": "trainer", "models": ["*", ".registry"],
              "may": ["read", "write", "promote", "administer"] },
            { "role": "lead", "models": ["*"], "may": ["read", "approve"] }
        ],
        "transitions": [ { "models": ["*"], "to": "Production", "sign_offs": ["lead", "compliance"] } ]
    }"#;
    let registry = &world.registry;
    registry
        .set_policy(&Policy::from_json(policy).unwrap(), "two signatures")
        .unwrap();
    let model = "model".parse().unwrap();
    let request = registry
        .request(&model, 2, Stage::Production, None, "better")
        .unwrap();
    let server = world.serve();
    let page = || html(&Call::to(server.addr()).get("/ui/models/model"));
    let body = page();
    assert!(body.contains("no sign-off by lead, compliance"), "{body}");
    let ada = registry.acting_as(Principal::new("ada").unwrap());
    ada.approve(&model, request.number, "looks good").unwrap();
    let body = page();
    assert!(
        body.contains("no sign-off by compliance") && body.contains("looks good"),
        "{body}"
    );
}

#[test]
fn a_damaged_trail_is_seen_and_a_sound_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mlops.db");
    let registry = Registry::open(format!("sqlite://{}", file.display())).unwrap();
    let model = registry.model("churn").unwrap();
    model
        .register_version(NewVersion::source("s3://x"))
        .unwrap();
    let server = TrackingServer::new(registry).bind("127.0.0.1:0").unwrap();
    let page = || html(&Call::to(server.addr()).get("/ui/audit"));
    assert!(page().contains("The trail holds."));
    let database = rusqlite::Connection::open(file).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER audit_is_not_changed;
             UPDATE audit SET actor = 'somebody else' WHERE id = 1;",
        )
        .unwrap();
    let body = page();
    assert!(body.contains("The trail does not hold."), "{body}");
}

#[test]
fn a_page_is_bounded_whatever_there_is() {
    let world = World::new("plain");
    let tracking = world.registry.tracking();
    let run = &world.runs[0];
    // long histories, many metrics, many params, long texts
    for key in 0..40 {
        let points = (0..2_500).map(|step| Metric::new(format!("m{key}"), at(step, step as f64)));
        let points: Vec<_> = points.collect();
        for chunk in points.chunks(1_000) {
            tracking
                .log_batch(run, Batch::of_metrics(chunk.to_vec()))
                .unwrap();
        }
    }
    let long = "long ".repeat(1_000);
    for key in 0..300 {
        tracking.set_tag(run, &format!("t{key}"), &long).unwrap();
    }
    let server = world.serve();
    let call = Call::to(server.addr());
    for address in [
        format!("/ui/experiments/{}", world.experiment),
        format!("/ui/runs/{run}"),
        format!("/ui/compare?run_ids={run}&run_ids={}", world.runs[1]),
    ] {
        let answer = call.get(&address);
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.len() < 4 << 20,
            "{address} has {} bytes",
            answer.body.len()
        );
    }
    let page = html(&call.get(&format!("/ui/runs/{run}")));
    assert_eq!(page.matches("<figure>").count(), 24);
    assert!(page.contains("drawn through at most"));
}

#[test]
fn files_say_what_the_pages_say_and_lead_nowhere() {
    let world = World::new("plain");
    let report = TrackingReport::new(&world.registry);
    let experiment = world.experiment.parse().unwrap();
    let file = report
        .experiment(experiment, "", Some("params.depth ASC"))
        .unwrap();
    for text in [
        "r0 plain",
        "r2 plain",
        "Params that differ",
        "<figure>",
        "kplain",
    ] {
        assert!(file.contains(text), "{text}");
    }
    assert!(!file.contains("href=\"/") && !file.contains("<form"));
    let versions = report.versions(&"model".parse().unwrap(), 1, 2).unwrap();
    assert!(versions.contains("version 1 and version 2") && !versions.contains("href=\"/"));
    assert!(report.experiment(experiment, "nonsense", None).is_err());
    assert!(report.versions(&"model".parse().unwrap(), 1, 9).is_err());
    let finished = tracking_finished(&world);
    assert_eq!(finished, 0, "a report changes nothing");
}

fn tracking_finished(world: &World) -> usize {
    let tracking = world.registry.tracking();
    let runs = world.runs.iter().map(|id| tracking.run(id).unwrap());
    runs.filter(|run| run.status == RunStatus::Finished).count()
}

/// Prints what pages over 100,000 runs cost; run it by name, with optimisation.
#[test]
#[ignore = "a measurement, to be read by a person"]
fn pages_over_a_hundred_thousand_runs_cost_milliseconds() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("mlops.db").display());
    let registry = Registry::builder(url)
        .durability(mlops_registry::Durability::Normal)
        .open()
        .unwrap();
    let tracking = registry.tracking();
    let experiment = NewExperiment::new("large".parse().unwrap());
    let experiment = tracking.create_experiment(experiment).unwrap().id;
    std::thread::scope(|scope| {
        for part in 0..8_i64 {
            let tracking = tracking.clone();
            scope.spawn(move || {
                for i in 0..12_500_i64 {
                    let number = part * 12_500 + i;
                    let run = tracking.create_run(NewRun::new(experiment)).unwrap().id;
                    let metrics = (0..5_i64).map(|key| {
                        let value = ((number * 7919 + key) % 10_007) as f64;
                        Metric::new(format!("m{key}"), at(1, value))
                    });
                    let mut batch = Batch::of_metrics(metrics);
                    batch.params = (0..10)
                        .map(|key| (format!("p{key}"), (number % (key + 2)).to_string()))
                        .collect();
                    tracking.log_batch(&run, batch).unwrap();
                }
            });
        }
    });
    let server = TrackingServer::new(registry).bind("127.0.0.1:0").unwrap();
    let call = Call::to(server.addr());
    let of = format!("/ui/experiments/{experiment}");
    for address in [
        "/".to_owned(),
        of.clone(),
        format!("{of}?order_by=metrics.m3+DESC"),
        format!(
            "{of}?filter=metrics.m1+%3E+5000+AND+(params.p3+%3D+2+OR+params.p1+%3D+'1')&order_by=metrics.m2+ASC"
        ),
        format!("{of}?filter=params.p7+%3E%3D+5"),
    ] {
        let mut times: Vec<Duration> = (0..11)
            .map(|_| {
                let watch = Stopwatch::start();
                assert_eq!(call.get(&address).status, 200);
                watch.elapsed()
            })
            .collect();
        times.sort();
        eprintln!("{:?} median, {:?} worst: {address}", times[5], times[10]);
    }
}
