//! The catalog: versions by content, what changed, search, lineage both ways, and a file that loses nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{sync::Arc, thread};

use arrow::array::{ArrayRef, BooleanArray, Int64Array, TimestampMicrosecondArray};
use mlops_core::{
    Column, ErrorKind, EventTime, ManualClock, Role, Span, Table, TableSchema, TrainingSet,
};
use mlops_features::{
    Boundary, Catalog, Change, Cutoff, DataType, Entity, Error, Feature, FeatureService,
    FeatureStore, FeatureView, FeatureViewBuilder, HitKind, Node, Outcome, ViewSource, days,
};
use proptest::prelude::*;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(EventTime::from_seconds(1_000)))
}

fn catalog() -> Catalog {
    Catalog::in_memory(clock())
}

fn customer() -> Entity {
    Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap()
}

fn purchase() -> FeatureViewBuilder {
    FeatureView::builder("purchase")
        .entity(customer())
        .event_time("at")
        .ttl(days(30))
        .field("amount", DataType::Float64)
        .unit("GBP")
        .owner("sales")
        .tag("domain", "retail")
        .source(ViewSource::from_url("s3://lake/purchases.parquet"))
}

fn build(builder: FeatureViewBuilder) -> FeatureView {
    builder.build().unwrap()
}

fn spend(view: &FeatureView, window: Span) -> FeatureService {
    FeatureService::named("spend")
        .unwrap()
        .feature(Feature::sum(view, "amount").named("spend").over(window))
        .feature(Feature::time_since_last(view))
        .build()
        .unwrap()
}

fn training_set(view: &FeatureView, service: &FeatureService, key: i64) -> TrainingSet {
    let schema = TableSchema::new([
        Column::key("customer_id", DataType::Int64),
        Column::event_time("at"),
        Column::new("label", DataType::Boolean, Role::Label),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![key, 2])),
        Arc::new(TimestampMicrosecondArray::from(vec![5, 9]).with_timezone("UTC")),
        Arc::new(BooleanArray::from(vec![true, false])),
    ];
    let spine = Table::new(schema.unwrap(), columns).unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    store.training_set(service, &spine).unwrap()
}

fn view_node(name: &str, version: u32) -> Node {
    Node::View {
        name: name.to_owned(),
        version,
    }
}

#[test]
fn a_changed_definition_is_the_next_version_and_says_what_changed() {
    let catalog = catalog();
    let apply = |builder| catalog.apply_view(&build(builder)).unwrap();
    assert_eq!(apply(purchase()), Outcome::Created { version: 1 });
    assert_eq!(apply(purchase()), Outcome::Unchanged { version: 1 });

    let changed = [
        (purchase().ttl(days(60)), "ttl was 30d, is 60d"),
        (
            purchase().boundary(Boundary::Exclusive),
            "boundary was inclusive, is exclusive; ttl was 60d, is 30d",
        ),
        (
            purchase()
                .created_time("loaded")
                .cutoff(Cutoff::CreatedTime),
            "boundary was exclusive, is inclusive; created time is new: loaded; cutoff was event time, is created time",
        ),
        (
            purchase().field("country", DataType::Utf8),
            "created time is gone, was loaded; cutoff was created time, is event time; \
             field country is new: string; fields was amount, is amount, country",
        ),
        (
            purchase().field("country", DataType::LargeUtf8),
            "field country was string, is large_string",
        ),
        (
            purchase()
                .field("country", DataType::LargeUtf8)
                .from_column("Country"),
            "field country was large_string, is large_string from Country",
        ),
    ];
    for (version, (builder, expect)) in (2..).zip(changed) {
        let outcome = apply(builder);
        assert_eq!(outcome.to_string(), format!("version {version}: {expect}"));
    }
    // content that was there before is that version again
    let back = apply(purchase());
    assert!(
        matches!(back, Outcome::Changed { version: 1, .. }),
        "{back}"
    );
    assert_eq!(catalog.views().len(), 7);
    assert_eq!(catalog.view("purchase").unwrap(), build(purchase()));
    let second = catalog.view("purchase@v2").unwrap();
    assert_eq!(second, build(purchase().ttl(days(60))));
}

#[test]
fn what_people_read_changes_in_place_and_is_listed() {
    let catalog = catalog();
    catalog.apply_view(&build(purchase())).unwrap();
    let described = purchase().owner("finance").describe("gross").pii();
    let outcome = catalog.apply_view(&build(described)).unwrap();
    let change = |what: &str, before: Option<&str>, after: &str| Change {
        what: what.to_owned(),
        before: before.map(str::to_owned),
        after: Some(after.to_owned()),
    };
    let expect = [
        change("description of field amount", None, "gross"),
        change("owner", Some("sales"), "finance"),
        change("personal data in field amount", None, "yes"),
    ];
    assert!(matches!(outcome, Outcome::Described { version: 1, .. }));
    assert_eq!(outcome.changes(), expect);
    let now = catalog.view("purchase").unwrap();
    assert_eq!(now.owner(), "finance");
    assert!(now.field("amount").unwrap().is_pii());
    assert_eq!(catalog.views().len(), 1);
}

#[test]
fn what_is_not_there_is_named() {
    let catalog = catalog();
    catalog.apply_view(&build(purchase())).unwrap();
    for reference in [
        "purchas",
        "purchase@v0",
        "purchase@v2",
        "purchase@2",
        "@v1",
        "",
    ] {
        let error = catalog.view(reference).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(reference), "{error}");
    }
    assert!(catalog.service("spend").is_err());
    assert!(catalog.downstream(view_node("purchase", 2)).is_err());
    assert!(catalog.deprecate("purchase@v9", "old").is_err());
}

#[test]
fn search_finds_all_words_and_ranks_names_first() {
    let catalog = catalog();
    let build = |builder: FeatureViewBuilder| catalog.apply_view(&builder.build().unwrap());
    build(purchase().description("what customers pay")).unwrap();
    let other = |name: &str| {
        FeatureView::builder(name)
            .entity(customer())
            .event_time("at")
    };
    build(other("purchase_return").field("reason", DataType::Utf8)).unwrap();
    build(other("visit").field("purchase_seen", DataType::Boolean)).unwrap();
    build(other("click").description("before a Purchase")).unwrap();
    let service = spend(&catalog.view("purchase").unwrap(), days(7));
    catalog.apply_service(&service).unwrap();

    let check = |words: &str, expect: &[&str]| {
        let hits = catalog.search(words);
        let names: Vec<&str> = hits.iter().map(|hit| hit.name.as_str()).collect();
        assert_eq!(names, expect, "{words}");
    };
    check(
        "purchase",
        &["purchase", "purchase_return", "visit", "spend", "click"],
    );
    check("PURCHASE reason", &["purchase_return"]);
    check("retail", &["purchase"]);
    check("sales", &["purchase"]);
    check("amount", &["purchase"]);
    check("s3://lake", &["purchase"]);
    check("nowhere", &[]);
    check("", &[]);
    let hit = &catalog.search("spend")[0];
    assert_eq!((hit.kind, hit.version), (HitKind::Service, Some(1)));
    assert!(hit.found_in.contains(&"feature spend".to_owned()));
}

#[test]
fn lineage_leads_from_a_source_to_training_sets_and_back() {
    let catalog = catalog();
    let view = build(purchase().source(ViewSource::push("tills")));
    let service = spend(&view, days(7));
    let set = training_set(&view, &service, 1);
    let entry = catalog
        .record_training_set("march", &set, &service)
        .unwrap();
    assert_eq!(
        (entry.rows, entry.first.micros(), entry.last.micros()),
        (2, 5, 9)
    );
    assert!(entry.spine.is_some() && entry.data.contains_key("purchase"));
    assert_eq!(entry.features.len(), 2);

    // a later definition has readers of its own
    let later = build(purchase().ttl(days(90)));
    let wider = spend(&later, days(7));
    catalog.apply_service(&wider).unwrap();
    let other = training_set(&later, &wider, 3);
    catalog
        .record_training_set("april", &other, &wider)
        .unwrap();

    let set_node = Node::TrainingSet {
        name: "march".into(),
        digest: set.digest(),
    };
    let up = catalog.upstream(set_node.clone()).unwrap();
    let text: Vec<String> = up.nodes.iter().map(|(_, node)| node.to_string()).collect();
    let digest = |at: usize| service.features()[at].digest().short();
    let mut features = [
        format!("feature purchase_time_since_last ({})", digest(1)),
        format!("feature spend ({})", digest(0)),
    ];
    features.sort();
    let expect = [
        "service spend@v1",
        &features[0],
        &features[1],
        "view purchase@v1",
        "source batch s3://lake/purchases.parquet (parquet)",
        "source push tills",
    ];
    assert_eq!(text, expect);
    assert!(up.to_string().contains("\n  service spend@v1\n"));

    let sets = |node: Node| {
        let down = catalog.downstream(node).unwrap();
        down.pick(|node| match node {
            Node::TrainingSet { name, .. } => Some(name.clone()),
            _ => None,
        })
    };
    let source = |source| Node::Source { source };
    assert_eq!(sets(source(ViewSource::push("tills"))), ["march"]);
    let lake = ViewSource::from_url("s3://lake/purchases.parquet");
    assert_eq!(sets(source(lake)), ["april", "march"]);
    assert_eq!(sets(view_node("purchase", 1)), ["march"]);
    assert_eq!(sets(view_node("purchase", 2)), ["april"]);
    let readers = catalog.readers_of("purchase", "amount");
    assert!(
        readers.contains(&set_node) && readers.len() == 6,
        "{readers:?}"
    );
    assert!(catalog.readers_of("purchase", "country").is_empty());
}

#[test]
fn a_changed_transform_is_the_next_version_of_its_service() {
    let catalog = catalog();
    let view = build(purchase());
    let service = |expr: &str| {
        let sum = Feature::sum(&view, "amount").named("spend").over(days(7));
        let service = FeatureService::named("churn").unwrap().feature(sum);
        service.transform("big", expr).build().unwrap()
    };
    catalog.apply_service(&service("spend > 10.0")).unwrap();
    let outcome = catalog.apply_service(&service("spend > 20.0")).unwrap();
    let text = outcome.to_string();
    assert!(text.starts_with("version 2: definition was"), "{text}");
    assert!(
        text.contains("transform big was") && text.contains("20"),
        "{text}"
    );
    let entry = catalog.service("churn@v2").unwrap();
    assert_eq!(entry.transforms[0].features[0].as_str(), "spend");
    assert!(catalog.listing().to_string().contains("  transform: big: "));
    assert_eq!(catalog.search("big")[0].name, "churn");
    let back = Catalog::from_json(&catalog.to_json(), clock()).unwrap();
    assert_eq!(back.service("churn").unwrap(), entry);
}

#[test]
fn a_deprecated_version_says_why_until_that_is_taken_back() {
    let catalog = catalog();
    catalog.apply_view(&build(purchase())).unwrap();
    catalog
        .apply_view(&build(purchase().ttl(days(60))))
        .unwrap();
    catalog.deprecate("purchase@v1", "too short").unwrap();
    let reasons = || -> Vec<Option<String>> {
        let views = catalog.views().into_iter();
        views.map(|view| view.deprecated).collect()
    };
    assert_eq!(reasons(), [Some("too short".to_owned()), None]);
    catalog.deprecate("purchase", "gone").unwrap();
    assert!(catalog.listing().to_string().contains("deprecated: gone"));
    catalog.deprecate("purchase", "").unwrap();
    assert_eq!(reasons(), [None, None]);
}

#[test]
fn people_can_read_a_listing() {
    let catalog = catalog();
    let view = build(
        purchase()
            .field("phone", DataType::Utf8)
            .pii()
            .describe("as given"),
    );
    let service = spend(&view, days(7));
    let set = training_set(&view, &service, 1);
    catalog
        .record_training_set("march", &set, &service)
        .unwrap();
    let listing = catalog.listing();
    let expect = format!(
        "view purchase@v1 of 1\n  owner: sales\n  tags: domain=retail\n  \
         sources: batch s3://lake/purchases.parquet (parquet)\n  entity: customer\n  \
         time: at inclusive, valid for 30d\n  key: customer_id int64\n  \
         field: amount double in GBP\n  field: phone string, personal data: as given\n\
         service spend@v1 of 1\n  feature: spend: sum of purchase.amount over 7d\n  \
         feature: purchase_time_since_last: time since last of purchase\n\
         training set march ({}): 2 rows of spend@v1, 1970-01-01T00:00:00.000005Z to 1970-01-01T00:00:00.000009Z\n",
        set.digest().short()
    );
    assert_eq!(listing.to_string(), expect);
    let json = serde_json::to_value(&listing).unwrap();
    assert_eq!(json["views"][0]["fields"][0], "amount double in GBP");
}

#[test]
fn a_file_holds_the_catalog_and_two_writers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.json");
    let writers = (0..4).map(|writer| {
        let path = path.clone();
        thread::spawn(move || {
            let catalog = Catalog::open(path, clock()).unwrap();
            for step in 0..8 {
                let name = format!("view_{writer}_{}", step % 4);
                let view = FeatureView::builder(name)
                    .entity(customer())
                    .event_time("at")
                    .ttl(days(step + 1));
                catalog.apply_view(&view.build().unwrap()).unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for writer in writers {
        writer.join().unwrap();
    }

    let catalog = Catalog::open(&path, clock()).unwrap();
    assert_eq!(catalog.views().len(), 4 * 8);
    let again = Catalog::open(&path, clock()).unwrap();
    again.apply_view(&build(purchase())).unwrap();
    assert!(catalog.view("purchase").is_err());
    catalog.refresh().unwrap();
    assert_eq!(catalog.view("purchase").unwrap(), build(purchase()));
    assert_eq!(catalog.to_json(), std::fs::read(&path).unwrap());
    assert!(!dir.path().join("catalog.json.next").exists());
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("catalog.json");
    let catalog = Catalog::open(&path, clock()).unwrap();
    catalog.apply_view(&build(purchase())).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(catalog.deprecate("purchase@v7", "x").is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, b"{").unwrap();
    let error = catalog
        .apply_view(&build(purchase().ttl(days(1))))
        .unwrap_err();
    assert!(matches!(error, Error::BrokenCatalog { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"{");
    assert_eq!(catalog.view("purchase").unwrap(), build(purchase()));
}

#[test]
fn a_stored_catalog_is_believed_only_where_its_digests_fit() {
    let catalog = catalog();
    let view = build(purchase());
    catalog.apply_service(&spend(&view, days(7))).unwrap();
    let json = String::from_utf8(catalog.to_json()).unwrap();
    let read = |json: &str| Catalog::from_json(json.as_bytes(), clock());
    assert_eq!(read(&json).unwrap().to_json(), catalog.to_json());

    let edits = [
        ("\"30d\"", "\"31d\"", "digest names"),
        ("\"double\"", "\"float\"", "digest names"),
        ("\"double\"", "\"list<int64>\"", "unknown type"),
        ("\"current\": 1", "\"current\": 2", "at version 2"),
        ("\"current\": 1", "\"current\": 0", "at version 0"),
        ("\"version\": 1", "\"version\": 2", "version 1 is expected"),
        ("mlops-catalog", "mlops-catalogue", "is expected"),
        ("\"owner\"", "\"owners\"", "unknown field"),
        ("\"purchase\": {", "\"pur chase\": {", "name"),
        ("\"purchase\": {", "\"other\": {", "another name"),
        ("\"spend\": {", "\"other\": {", "another name"),
    ];
    for (from, to, expect) in edits {
        assert!(json.contains(from), "{from}");
        let error = read(&json.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(expect), "{to}: {error}");
    }
    for cut in 0..json.len() {
        let whole = json.trim_end().len() <= cut;
        assert_eq!(read(&json[..cut]).is_ok(), whole, "cut at {cut}");
    }
}

fn any_type() -> impl Strategy<Value = DataType> {
    use arrow::datatypes::TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    proptest::sample::select(vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::UInt64,
        DataType::Float32,
        DataType::Utf8View,
        DataType::LargeBinary,
        DataType::FixedSizeBinary(7),
        DataType::Date64,
        DataType::Timestamp(Nanosecond, Some("Europe/London".into())),
        DataType::Timestamp(Second, None),
        DataType::Duration(Millisecond),
        DataType::Duration(Microsecond),
        DataType::Decimal128(12, 3),
    ])
}

proptest! {
    #[test]
    fn whatever_is_applied_is_read_back_whole(
        types in proptest::collection::vec((any_type(), any::<bool>(), ".{0,8}"), 0..6),
        owner in ".{0,8}",
        tags in proptest::collection::btree_map(".{1,4}", ".{0,4}", 0..4),
        ttl in 0u32..5,
        exclusive: bool,
        renamed in proptest::option::of(".{1,5}"),
    ) {
        let mut builder = FeatureView::builder("v")
            .entity(customer().note("customer_id", &*owner, exclusive).unwrap())
            .event_time("at")
            .ttl(days(ttl))
            .owner(owner);
        if exclusive {
            builder = builder.boundary(Boundary::Exclusive);
        }
        if let Some(source) = renamed {
            builder = builder.rename("at", source);
        }
        for (i, (data_type, pii, text)) in types.into_iter().enumerate() {
            builder = builder.field(format!("f{i}"), data_type).describe(text.clone());
            builder = if pii { builder.pii().unit(text) } else { builder.from_column(format!("c{text}")) };
        }
        for (name, value) in tags {
            builder = builder.tag(name, value);
        }
        let view = builder.build().unwrap();
        let catalog = catalog();
        catalog.apply_view(&view).unwrap();
        let back = Catalog::from_json(&catalog.to_json(), clock()).unwrap();
        let read = back.view("v@v1").unwrap();
        prop_assert_eq!(&read, &view);
        prop_assert_eq!(format!("{read:?}"), format!("{view:?}"));
        prop_assert_eq!(back.apply_view(&view).unwrap(), Outcome::Unchanged { version: 1 });
    }
}
