//! Random histories: every backend gives the same answers, and what is remembered is what is read anew.

use mlops_core::VersionNumber;
use mlops_registry::{Error, NewVersion, Occupants, RegisteredModel, Registry, Stage};
use proptest::prelude::*;

use crate::{
    crash_models::in_logs,
    fixture::{alias, evidence, gate, in_directory, open},
};

/// One step of somebody who uses a registry.
#[derive(Debug, Clone)]
enum Deed {
    Register(u8),
    Delete(VersionNumber),
    Tag(VersionNumber, u8, Option<u8>),
    ModelTag(u8, Option<u8>),
    Describe(VersionNumber, u8),
    Alias(u8, Option<VersionNumber>),
    Stage(VersionNumber, Stage, bool),
    Transition(VersionNumber, Stage),
    Promote(VersionNumber, Option<VersionNumber>),
    Request(VersionNumber, Stage),
    Withdraw(u32),
    Complete(u32),
    DeleteModel,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let version = || 1..6_u32;
    let small = || 0..3_u8;
    let stage = || prop::sample::select(&Stage::ALL[..]);
    let deed = prop_oneof![
        4 => small().prop_map(Deed::Register),
        1 => version().prop_map(Deed::Delete),
        1 => (version(), small(), prop::option::of(small())).prop_map(|(v, k, t)| Deed::Tag(v, k, t)),
        1 => (small(), prop::option::of(small())).prop_map(|(k, t)| Deed::ModelTag(k, t)),
        1 => (version(), small()).prop_map(|(v, d)| Deed::Describe(v, d)),
        2 => (small(), prop::option::of(version())).prop_map(|(a, v)| Deed::Alias(a, v)),
        2 => (version(), stage(), any::<bool>()).prop_map(|(v, s, a)| Deed::Stage(v, s, a)),
        2 => (version(), stage()).prop_map(|(v, s)| Deed::Transition(v, s)),
        2 => (version(), prop::option::of(version())).prop_map(|(v, c)| Deed::Promote(v, c)),
        2 => (version(), stage()).prop_map(|(v, s)| Deed::Request(v, s)),
        1 => (1..5_u32).prop_map(Deed::Withdraw),
        1 => (1..5_u32).prop_map(Deed::Complete),
        1 => Just(Deed::DeleteModel),
    ];
    prop::collection::vec(deed, 1..40)
}

/// Does it, and says how it went.
fn act(registry: &Registry, deed: &Deed) -> String {
    let answer = registry
        .model("churn")
        .and_then(|model| act_on(registry, &model, deed));
    match answer {
        Ok(answer) => answer,
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

fn act_on(registry: &Registry, model: &RegisteredModel, deed: &Deed) -> Result<String, Error> {
    let name = model.name();
    let key = |number: &u8| ["a", "b", "c"][usize::from(*number)];
    Ok(match deed {
        Deed::Register(tag) => {
            let new = NewVersion::source(format!("runs:/{tag}")).tag(key(tag), "v");
            model.register_version(&new)?.version.to_string()
        }
        Deed::Delete(version) => model
            .delete_version(*version, "r")
            .map(|()| String::new())?,
        Deed::Tag(version, tag, Some(value)) => {
            format!(
                "{:?}",
                model.set_version_tag(*version, key(tag), key(value))?.tags
            )
        }
        Deed::Tag(version, tag, None) => {
            format!("{:?}", model.delete_version_tag(*version, key(tag))?.tags)
        }
        Deed::ModelTag(tag, Some(value)) => {
            format!("{:?}", model.set_tag(key(tag), key(value))?.tags)
        }
        Deed::ModelTag(tag, None) => format!("{:?}", model.delete_tag(key(tag))?.tags),
        Deed::Describe(version, text) => model.describe_version(*version, key(text))?.description,
        Deed::Alias(to, Some(version)) => model
            .set_alias(&alias(key(to)), *version)
            .map(|()| String::new())?,
        Deed::Alias(to, None) => model
            .delete_alias(&alias(key(to)))
            .map(|()| String::new())?,
        Deed::Stage(version, to, archive) => {
            let occupants = [Occupants::Stay, Occupants::Archive][usize::from(*archive)];
            registry
                .set_stage(name, *version, *to, occupants, "r")?
                .stage
                .to_string()
        }
        Deed::Transition(version, to) => registry
            .transition(name, *version, *to, "r")?
            .stage
            .to_string(),
        Deed::Promote(version, champion) => {
            let promotion = registry.promote(name, *version, &gate(), &evidence(*champion))?;
            format!("{:?}", (promotion.version, promotion.replaced))
        }
        Deed::Request(version, to) => registry
            .request(name, *version, *to, None, "r")?
            .number
            .to_string(),
        Deed::Withdraw(number) => registry.withdraw(name, *number, "r")?.state.to_string(),
        Deed::Complete(number) => registry.complete(name, *number)?.stage.to_string(),
        Deed::DeleteModel => model.delete("r").map(|()| String::new())?,
    })
}

/// Everything that can be seen of the model, but the times.
fn seen(registry: &Registry) -> String {
    let model = registry.model("churn").unwrap();
    let versions = model.versions().unwrap().into_iter().map(|v| {
        (
            v.version,
            v.stage,
            v.tags,
            v.description,
            v.source,
            v.digest,
            v.status,
        )
    });
    let requests = registry.requests(model.name()).unwrap();
    let requests = requests
        .iter()
        .map(|r| (r.number, r.version, r.from, r.to, r.state));
    let info = model.info().unwrap();
    let trail = registry.audit(Some(model.name())).unwrap();
    let trail = trail.iter().map(|e| {
        (
            e.action,
            e.version,
            e.alias.clone(),
            e.from.clone(),
            e.to.clone(),
        )
    });
    format!(
        "{:?}",
        (
            versions.collect::<Vec<_>>(),
            requests.collect::<Vec<_>>(),
            (info.tags, info.aliases, info.latest),
            trail.collect::<Vec<_>>(),
        )
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_random_history_is_the_same_on_every_backend_and_after_it_is_opened_again(deeds in deeds()) {
        let (files, sqlite) = in_directory();
        let second = open(files.path()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let logs = in_logs(directory.path());
        for (at, deed) in deeds.iter().enumerate() {
            // two handles take turns, so that each has to catch up with the other
            let handle = if at % 3 == 0 { &second } else { &sqlite };
            prop_assert_eq!(act(handle, deed), act(&logs, deed), "{:?}", deed);
        }
        let told = seen(&sqlite);
        prop_assert_eq!(&seen(&second), &told);
        prop_assert_eq!(&seen(&logs), &told);
        prop_assert_eq!(&seen(&open(files.path()).unwrap()), &told);
        prop_assert_eq!(&seen(&in_logs(directory.path())), &told);
        sqlite.verify_audit().unwrap();
        logs.verify_audit().unwrap();
    }
}
