//! The registry example as people use it: a governance story with two sign-offs, and what it says to bad input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

use mlops::{
    core::{EventTime, Lineage, Principal},
    model::{
        Estimator, Linear, Link, ModelPackage, ModelSpec, Output as Answers, Preprocess, Signature,
    },
    registry::{Registry, RunStatus},
};
use serde_json::Value;

const POLICY: &str = r#"{
    "format": 1,
    "roles": { "trainer": ["ci"], "lead": ["ada"], "compliance": ["grace"], "admin": ["root"] },
    "grants": [
        { "role": "trainer", "models": ["*"], "may": ["read", "write", "promote"] },
        { "role": "lead", "models": ["*", ".registry"], "may": ["read", "approve"] },
        { "role": "compliance", "models": ["*", ".registry"], "may": ["read", "approve"] },
        { "role": "admin", "models": ["*", ".registry"],
          "may": ["read", "write", "delete", "promote", "administer"] }
    ],
    "transitions": [ { "models": ["*"], "to": "Production", "sign_offs": ["lead", "compliance"] } ]
}"#;

/// Runs the example in a folder as `cargo test` built it, beside this test.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let example = built.join("examples/registry");
    assert!(
        example.exists(),
        "{} is built with the tests",
        example.display()
    );
    let mut command = Command::new(example);
    command.args(["--dir", "."]).args(arguments);
    command.current_dir(folder).output().unwrap()
}

/// What a command says.
fn says(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
    serde_json::from_str(&says(folder, &arguments)).unwrap()
}

/// A command fails with one line that names each culprit.
fn fails(folder: &Path, arguments: &[&str], culprits: &[&str]) {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with("error: ") && error.lines().count() == 1,
        "{error}"
    );
    for culprit in culprits {
        assert!(error.contains(culprit), "{culprit} is not in {error}");
    }
}

/// A model that answers one constant; another number makes another package.
fn package(number: u32) -> ModelPackage {
    let signature = Signature::new([], Answers::Number).unwrap();
    let preprocess = Preprocess::new(&signature, vec![]).unwrap();
    let constant = Linear {
        weights: vec![],
        bias: vec![f64::from(number)],
        link: Link::Identity,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(constant)).unwrap();
    let builder = ModelPackage::builder(spec).created(EventTime::from_seconds(0));
    builder.build().unwrap()
}

/// A registry with three versions of `churn`, each from a run of its own, by `ci`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("mlops.db").display());
    let builder = Registry::builder(url).actor(Principal::new("ci").unwrap());
    let registry = builder.open().unwrap();
    let model = registry.model("churn").unwrap();
    for number in 1..=3 {
        let run = registry
            .experiment("autumn")
            .unwrap()
            .start_run(&format!("try {number}"))
            .unwrap();
        run.log_param("trees", 100 * number).unwrap();
        run.log_metric("auc", 0.8 + f64::from(number) / 100.0, 0)
            .unwrap();
        let run = run.finish(RunStatus::Finished).unwrap();
        let lineage = Lineage {
            data: BTreeMap::new(),
            ..Lineage::default()
        };
        model
            .register(&package(number), Some(&run.id), &lineage, "a try")
            .unwrap();
    }
    folder
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told once")]
fn a_version_enters_production_by_two_signatures_and_leaves_it_again() {
    let folder = folder();
    let folder = folder.path();
    // before there is a policy everybody may do everything
    let first = ["--as", "ci", "promote", "churn", "1", "--why", "the first"];
    assert_eq!(says(folder, &first), "churn/1 is in production\n");
    fs::write(folder.join("policy.json"), POLICY).unwrap();
    says(folder, &["--as", "root", "policy", "set", "policy.json"]);

    // by hand no more
    let by_hand = ["--as", "ci", "promote", "churn", "2"];
    fails(folder, &by_hand, &["churn", "lead", "compliance"]);
    let asked = [
        "--as",
        "ci",
        "request",
        "churn",
        "2",
        "production",
        "--why",
        "better on all segments",
    ];
    assert_eq!(
        says(folder, &asked),
        "churn#1 is asked for: version 2 to Production\n"
    );
    assert!(says(folder, &["--as", "ada", "requests"]).contains("better on all segments"));

    // neither the author nor a stranger, nor one person twice
    fails(folder, &["--as", "ci", "approve", "churn#1"], &["ci"]);
    fails(
        folder,
        &["--as", "mallory", "approve", "churn#1"],
        &["mallory"],
    );
    says(
        folder,
        &[
            "--as",
            "ada",
            "approve",
            "churn#1",
            "--why",
            "looked at the curves",
        ],
    );
    fails(
        folder,
        &["--as", "ada", "approve", "churn#1"],
        &["ada", "signed already"],
    );
    fails(
        folder,
        &["--as", "ci", "promote", "churn", "2"],
        &["compliance"],
    );
    assert_eq!(
        json(folder, &["--as", "ci", "show", "churn@production"])["version"],
        1
    );
    says(folder, &["--as", "grace", "approve", "churn#1"]);
    let promoted = ["--as", "ci", "promote", "churn", "2"];
    assert_eq!(
        says(folder, &promoted),
        "churn/2 is in production by churn#1\n"
    );
    let requests = json(folder, &["--as", "ci", "requests", "churn"]);
    assert_eq!(requests[0]["state"], "completed");
    assert_eq!(requests[0]["approvals"].as_array().unwrap().len(), 2);

    // a rejected and a withdrawn one
    says(
        folder,
        &["--as", "ci", "request", "churn", "3", "Production"],
    );
    says(
        folder,
        &["--as", "grace", "reject", "churn#2", "--why", "no card"],
    );
    fails(
        folder,
        &["--as", "ada", "approve", "churn#2"],
        &["churn", "2", "rejected"],
    );
    says(
        folder,
        &["--as", "ci", "request", "churn", "3", "Production"],
    );
    says(folder, &["--as", "ci", "withdraw", "churn#3"]);

    // back to the first, which takes signatures too
    let back = ["--as", "ci", "rollback", "churn"];
    fails(folder, &back, &["lead"]);
    says(
        folder,
        &[
            "--as",
            "ci",
            "request",
            "churn",
            "1",
            "Production",
            "--why",
            "2 errs",
        ],
    );
    says(folder, &["--as", "ada", "approve", "churn#4"]);
    says(folder, &["--as", "grace", "approve", "churn#4"]);
    assert_eq!(says(folder, &back), "churn/1 is in production by churn#4\n");
    let shown = json(folder, &["--as", "ada", "show", "churn"]);
    assert_eq!(shown["model"]["latest"]["Production"], 1);
    assert_eq!(shown["versions"][1]["stage"], "Archived");

    // the trail tells all of it, and a copy of it verifies as well
    let trail = says(folder, &["--as", "ada", "audit", "churn"]);
    for told in [
        "request_approved",
        "request_rejected",
        "request_withdrawn",
        "grace",
        "2 errs",
    ] {
        assert!(trail.contains(told), "{told} is not in {trail}");
    }
    let verified = json(
        folder,
        &["--as", "ada", "verify-audit", "--export", "trail.jsonl"],
    );
    assert_eq!(verified["sound"], true);
    let exported = fs::read_to_string(folder.join("trail.jsonl")).unwrap();
    assert_eq!(
        exported.lines().count() as u64,
        verified["entries"].as_u64().unwrap() + 1
    );
    let again = ["--as", "ada", "verify-audit", "--export", "trail.jsonl"];
    fails(folder, &again, &["trail.jsonl", "there already"]);
    assert_eq!(
        fs::read_to_string(folder.join("trail.jsonl")).unwrap(),
        exported
    );
}

#[test]
fn tables_and_json_tell_the_same() {
    let folder = folder();
    let folder = folder.path();
    says(folder, &["alias", "set", "churn", "best", "3"]);
    let list = says(folder, &["list"]);
    let rows: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "MODEL",
            "VERSIONS",
            "PRODUCTION",
            "STAGING",
            "ALIASES",
            "UPDATED"
        ]
    );
    assert_eq!(rows[1][..5], ["churn", "3", "-", "-", "best=3"]);
    let list = json(folder, &["list"]);
    assert_eq!(
        (&list[0]["name"], &list[0]["aliases"]["best"]),
        (&"churn".into(), &3.into())
    );

    let compared = json(folder, &["compare", "churn", "1", "3"]);
    let difference = compared["metrics"]["auc"]["difference"].as_f64().unwrap();
    assert!((difference - 0.02).abs() < 1e-9);
    pages(folder);
    let table = says(folder, &["compare", "churn", "1", "3"]);
    assert!(
        table.contains("+0.020000") && table.contains("trees"),
        "{table}"
    );

    assert_eq!(
        json(folder, &["show", "churn/3"]),
        json(folder, &["show", "churn@best"])
    );
    says(folder, &["alias", "delete", "churn", "best"]);
    assert_eq!(
        json(folder, &["alias", "list", "churn"]),
        serde_json::json!({})
    );
    assert_eq!(json(folder, &["policy", "show"]), Value::Null);

    let filter = "metrics.auc > 0.815 AND (params.trees = '200' OR params.trees = '300')";
    let runs = [
        "runs",
        "--experiment",
        "autumn",
        "--filter",
        filter,
        "--order-by",
        "metrics.auc DESC",
    ];
    let found = json(folder, &runs);
    let names: Vec<&Value> = found["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["name"])
        .collect();
    assert_eq!(names, ["try 3", "try 2"]);
    let first = json(folder, &["runs", "--limit", "2"]);
    let token = first["next"].as_str().unwrap();
    let rest = json(folder, &["runs", "--limit", "2", "--page", token]);
    assert_eq!(rest["runs"].as_array().unwrap().len(), 1);
    assert!(says(folder, &["runs"]).contains("auc=0.83"));
}

#[test]
fn garbage_is_told_before_it_is_collected() {
    let folder = folder();
    let folder = folder.path();
    let dry = json(folder, &["gc", "--dry-run", "--grace", "0s"]);
    assert_eq!(
        (&dry["dry_run"], &dry["missing"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert_eq!(dry["condemned"].as_array().unwrap().len(), 0);
    assert!(dry["needed"].as_u64().unwrap() > 3);
    let url = format!("sqlite://{}", folder.join("mlops.db").display());
    let digest = Registry::open(url)
        .unwrap()
        .store()
        .put(b"of nobody")
        .unwrap();
    let told = json(folder, &["gc", "--dry-run", "--grace", "0s"]);
    assert_eq!(told["condemned"][0]["digest"], digest.to_string());
    assert!(says(folder, &["gc", "--grace", "0s"]).contains("condemned  1"));
    let gone = json(folder, &["gc", "--grace", "0s"]);
    assert_eq!(gone["removed"][0]["digest"], digest.to_string());
    assert_eq!(says(folder, &["gc"]).lines().count(), 5);
}

#[test]
fn an_mlflow_database_comes_in_and_comes_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/mlops-registry/tests/golden/mlflow");
    let sql = fs::read_to_string(golden.join("import.sql")).unwrap();
    let script = format!("PRAGMA foreign_keys = OFF;\n{sql}");
    mlops_registry_database(&folder.path().join("mlflow.db"), &script);
    let folder = folder.path();
    let first = json(folder, &["import", "sqlite:///mlflow.db"]);
    assert_eq!(first["runs"]["new"], first["runs"]["found"]);
    let again = json(folder, &["import", "mlflow.db"]);
    assert_eq!(
        (&again["runs"]["new"], &again["models"]["new"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        json(folder, &["show", "churn model@champion"])["version"],
        2
    );
    assert!(says(folder, &["import", "mlflow.db"]).contains("table `webhooks`"));
    fails(folder, &["import", "nowhere.db"], &["nowhere.db"]);
    fails(folder, &["import", "s3://bucket/x"], &["s3"]);
    fails(
        folder,
        &["import", "mlflow.db", "--artifacts", "nowhere"],
        &["nowhere"],
    );
    fs::write(folder.join("text.db"), "run,metric\n").unwrap();
    fails(folder, &["import", "text.db"], &["text.db"]);
}

fn mlops_registry_database(path: &Path, script: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(script)
        .unwrap();
}

#[test]
fn bad_input_is_one_line_that_names_the_culprit() {
    let folder = folder();
    let folder = folder.path();
    let before = fs::read(folder.join("mlops.db")).unwrap();
    for (arguments, culprits) in [
        (&["frobnicate"][..], &["`frobnicate` is no command"][..]),
        (&[], &["a command is missing"]),
        (&["alias"], &["`alias` needs one of list, set, delete"]),
        (&["show"], &["`show` needs MODEL"]),
        (&["show", "churn", "2"], &["`2` is one word too many"]),
        (&["list", "--why", "x"], &["`list` takes no --why"]),
        (&["list", "--loud"], &["`--loud` is no option"]),
        (&["gc", "--grace"], &["--grace needs a value"]),
        (&["gc", "--grace", "-3d"], &["-3d", "negative"]),
        (&["show", "nobody"], &["model `nobody` does not exist"]),
        (&["show", "churn/9"], &["9", "churn"]),
        (&["show", "churn@best"], &["best", "churn"]),
        (&["show", "churn/x"], &["churn/x"]),
        (&["show", "a%2Fb"], &["a%2Fb"]),
        (&["compare", "churn", "1", "two"], &["`two` is no version"]),
        (&["compare", "churn", "1", "0"], &["`0` is no version"]),
        (&["compare", "churn", "1", "9"], &["9"]),
        (&["request", "churn", "1", "live"], &["live", "Staging"]),
        (
            &[
                "request",
                "churn",
                "1",
                "Staging",
                "--evidence",
                "nowhere.json",
            ],
            &["nowhere.json"],
        ),
        (
            &["request", "churn", "1", "Staging", "--evidence", "mlops.db"],
            &["mlops.db"],
        ),
        (&["approve", "churn"], &["`churn` is no request"]),
        (&["approve", "churn#x"], &["`churn#x` is no request"]),
        (&["approve", "churn#7"], &["7", "churn"]),
        (&["promote", "churn", "1", "--gate", "g.json"], &["g.json"]),
        (&["rollback", "churn"], &["churn", "production"]),
        (&["alias", "set", "churn", "latest", "1"], &["latest"]),
        (&["alias", "set", "churn", "best", "9"], &["9"]),
        (&["alias", "delete", "churn", "best"], &["best"]),
        (&["policy", "set", "nowhere.json"], &["nowhere.json"]),
        (&["audit", "nobody"], &["nobody"]),
        (
            &["verify-audit", "--export", "no/such/trail"],
            &["no/such/trail"],
        ),
        (&["runs", "--filter", "auc >"], &["auc >"]),
        (&["runs", "--order-by", "metrics."], &["metrics."]),
        (&["runs", "--limit", "many"], &["--limit is `many`"]),
        (&["runs", "--page", "zzz"], &["page token"]),
        (&["runs", "--experiment", "spring"], &["spring"]),
        (&["--as", "", "list"], &["principal"]),
        (&["export", "ftp://x"], &["ftp://x"]),
        (&["export", "http://127.0.0.1:9"], &["nothing is named"]),
        (
            &["import", "http://127.0.0.1:9"],
            &["does not tell the experiments", "no answer"],
        ),
        (
            &["export", "http://127.0.0.1:9", "--model", "nobody"],
            &["nobody"],
        ),
        (
            &["export", "http://127.0.0.1:9", "--run", "x"],
            &["x", "32 hexadecimal digits"],
        ),
        (
            &["export", "http://127.0.0.1:9", "--experiment", "autumn"],
            &["does not take experiment `autumn`", "no answer"],
        ),
        (&["--url", "sqlite://x.db", "list"], &["--dir and --url"]),
    ] {
        fails(folder, arguments, culprits);
    }
    assert_eq!(fs::read(folder.join("mlops.db")).unwrap(), before);

    let empty = tempfile::tempdir().unwrap();
    fails(
        empty.path(),
        &["list"],
        &["there is no registry at `./mlops.db`"],
    );
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    fs::write(empty.path().join("mlops.db"), "no database at all").unwrap();
    fails(empty.path(), &["list"], &["mlops.db"]);
}

#[test]
fn a_trail_that_was_changed_is_found() {
    let folder = folder();
    let folder = folder.path();
    assert!(says(folder, &["verify-audit"]).contains("all as they were written"));
    mlops_registry_database(
        &folder.join("mlops.db"),
        "DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'ada' WHERE id = 2;",
    );
    fails(
        folder,
        &["verify-audit", "--export", "trail.jsonl"],
        &["audit entry 2"],
    );
    assert!(!folder.join("trail.jsonl").exists());
}

#[test]
fn help_tells_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = says(folder.path(), &["--help"]);
    for command in [
        "list",
        "compare MODEL V W",
        "alias set MODEL ALIAS V",
        "verify-audit [--export FILE]",
    ] {
        assert!(help.contains(command), "{command} is not in {help}");
    }
}

/// Pages as files, where the example is built with the server.
fn pages(folder: &Path) {
    let compare = ["compare", "churn", "1", "3", "--html", "pair.html"];
    let report = ["report", "--experiment", "autumn", "--html", "runs.html"];
    if cfg!(not(feature = "tracking")) {
        fails(folder, &compare, &["tracking"]);
        fails(folder, &report, &["tracking"]);
        return;
    }
    assert_eq!(says(folder, &compare), "wrote `pair.html`\n");
    assert_eq!(says(folder, &report), "wrote `runs.html`\n");
    let page = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    assert!(page("pair.html").contains("version 1 and version 3"));
    assert!(page("runs.html").contains("try 3"));
    fails(folder, &report, &["runs.html"]);
    fails(folder, &report[..3], &["--html"]);
    fails(folder, &["report", "--html", "x.html"], &["--experiment"]);
}
