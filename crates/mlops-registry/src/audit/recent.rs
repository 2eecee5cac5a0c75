//! The trail from its end: what happened last, page by page, without reading what lies before.

use mlops_core::ModelName;

use super::AuditEntry;
use crate::{Registry, Result};

/// The most entries of a page.
const MOST: usize = 1_000;

/// A page of the trail, the newest entry first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// What to ask for next, if there are older ones.
    pub next: Option<u64>,
}

impl Registry {
    /// The newest entries of the audit trail, of one model or of all; older ones than a page before, if it says
    /// so. A page has 1,000 entries at most.
    ///
    /// # Errors
    /// Those of [`audit`](Self::audit).
    ///
    /// # Complexity
    /// Linear in the page in SQLite; an object store reads the whole trail of the models in question.
    pub fn recent_audit(
        &self,
        model: Option<&ModelName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AuditPage> {
        self.may_read(model.unwrap_or(&Self::itself()))?;
        let limit = limit.clamp(1, MOST);
        let mut records = self
            .models_backend()
            .recent_records(model, before, limit + 1)?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|(place, _)| *place);
        let entries = records.into_iter().map(|(_, record)| record.entry());
        Ok(AuditPage {
            entries: entries.collect::<Result<_>>()?,
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mlops_store::Objects;

    use crate::{Error, NewVersion, Registry};

    #[test]
    fn pages_from_the_end_are_the_trail_turned_round() -> Result<(), Error> {
        check(&Registry::memory()?)
    }

    #[test]
    fn so_they_are_on_an_object_store() -> Result<(), Error> {
        let location = Objects::new()
            .locate("memory://registry")
            .expect("a location in memory");
        check(&Registry::builder("memory://").models_at(location).open()?)
    }

    fn check(registry: &Registry) -> Result<(), Error> {
        let (one, two) = ("one".parse()?, "two".parse()?);
        for name in [&one, &two] {
            let model = registry.create_model(name, "", &BTreeMap::new())?;
            for _ in 0..4 {
                model.register_version(NewVersion::source("s3://bucket/model"))?;
            }
        }
        let renamed = "another".parse()?;
        match registry.existing_model(&one)?.rename(&renamed) {
            // somebody else takes the old name
            Ok(_) => drop(registry.create_model(&one, "", &BTreeMap::new())?),
            Err(Error::Unsupported { .. }) => {
                registry.create_model(&renamed, "", &BTreeMap::new())?;
            }
            Err(error) => return Err(error),
        }
        for model in [None, Some(&renamed), Some(&one), Some(&two)] {
            let mut expected = registry.audit(model)?;
            expected.reverse();
            for limit in [1, 2, 3, 5, 100] {
                let (mut found, mut before) = (Vec::new(), None);
                loop {
                    let page = registry.recent_audit(model, before, limit)?;
                    assert!(page.entries.len() <= limit);
                    found.extend(page.entries);
                    before = page.next;
                    if before.is_none() {
                        break;
                    }
                }
                assert_eq!(found, expected, "{model:?} by {limit}");
            }
        }
        Ok(())
    }
}
