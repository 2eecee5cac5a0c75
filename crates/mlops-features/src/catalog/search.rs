//! Finding definitions by words.

use serde::Serialize;

use mlops_core::VersionNumber;

use super::state::State;

/// What a word was found in, the most telling place first.
const EXACT: u32 = 100;
const NAME: u32 = 60;
const PART: u32 = 40;
const TAG: u32 = 30;
const OWNER: u32 = 25;
const FIELD: u32 = 20;
const TEXT: u32 = 10;

/// The sort of thing that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// A feature view.
    View,
    /// A feature service.
    Service,
    /// A training set.
    TrainingSet,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// What it is.
    pub kind: HitKind,
    /// Its name.
    pub name: String,
    /// The version in force; `None` for a training set.
    pub version: Option<VersionNumber>,
    /// How well it fits; only the order means something.
    pub score: u32,
    /// Where the words were found, for people.
    pub found_in: Vec<String>,
}

/// A text that is searched, with the weight of its place.
struct Place<'a> {
    label: String,
    text: &'a str,
    weight: u32,
}

/// All current definitions in which every word is found, best first, then by kind and name.
pub(super) fn search(state: &State, query: &str) -> Vec<Hit> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut hits = Vec::new();
    for (name, history) in &state.views {
        let Some(view) = history.get(history.current) else {
            continue;
        };
        let mut places = vec![place("owner", &view.owner, OWNER)];
        places.push(place("description", &view.description, TEXT));
        places.push(place("entity", &view.entity.name, FIELD));
        for (tag, value) in &view.tags {
            places.push(place(format!("tag {tag}"), tag, TAG));
            places.push(place(format!("tag {tag}"), value, TAG));
        }
        for source in &view.sources {
            places.push(place("source", source.name(), TEXT));
        }
        for column in view.entity.keys().iter().chain(&view.fields) {
            let label = format!("field {}", column.name);
            places.push(place(label.clone(), &column.name, FIELD));
            places.push(place(label, &column.description, TEXT));
        }
        let version = Some(history.current);
        hits.extend(hit(HitKind::View, name.as_str(), version, &places, &words));
    }
    for (name, history) in &state.services {
        let Some(service) = history.get(history.current) else {
            continue;
        };
        let features = service.features.iter().flat_map(|feature| {
            let label = format!("feature {}", feature.name);
            [
                place(label.clone(), feature.name.as_str(), FIELD),
                place(label, feature.view.as_str(), TEXT),
            ]
        });
        let transforms = service.transforms.iter().map(|transform| {
            let label = format!("transform {}", transform.name);
            place(label, transform.name.as_str(), FIELD)
        });
        let places: Vec<Place<'_>> = features.chain(transforms).collect();
        let version = Some(history.current);
        hits.extend(hit(
            HitKind::Service,
            name.as_str(),
            version,
            &places,
            &words,
        ));
    }
    for entry in state.training_sets.values() {
        let digest = entry.digest.to_string();
        let places = [
            place("service", entry.service.as_str(), TEXT),
            place("digest", &digest, TEXT),
        ];
        hits.extend(hit(
            HitKind::TrainingSet,
            &entry.name,
            None,
            &places,
            &words,
        ));
    }
    hits.sort_by(|a, b| {
        let key = |hit: &Hit| (std::cmp::Reverse(hit.score), hit.kind);
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    hits
}

fn place(label: impl Into<String>, text: &str, weight: u32) -> Place<'_> {
    Place {
        label: label.into(),
        text,
        weight,
    }
}

/// The thing, if every word is in its name or in one of its places.
fn hit(
    kind: HitKind,
    name: &str,
    version: Option<VersionNumber>,
    places: &[Place<'_>],
    words: &[String],
) -> Option<Hit> {
    let (mut score, mut found_in) = (0, Vec::new());
    let lower = name.to_lowercase();
    for word in words {
        let in_name = match lower.find(word.as_str()) {
            Some(0) if lower.len() == word.len() => EXACT,
            Some(0) => NAME,
            Some(_) => PART,
            None => 0,
        };
        let matching = places
            .iter()
            .filter(|place| place.text.to_lowercase().contains(word.as_str()));
        let matching: Vec<&Place<'_>> = matching.collect();
        let best = matching.iter().map(|place| place.weight).max();
        let best = in_name.max(best.unwrap_or_default());
        if best == 0 {
            return None;
        }
        score += best;
        if in_name > 0 {
            found_in.push("name".to_owned());
        }
        found_in.extend(matching.into_iter().map(|place| place.label.clone()));
    }
    found_in.sort_unstable();
    found_in.dedup();
    Some(Hit {
        kind,
        name: name.to_owned(),
        version,
        score,
        found_in,
    })
}
