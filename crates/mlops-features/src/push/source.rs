//! Push sources: one stream of rows that several views are made from.

use std::sync::PoisonError;

use mlops_core::Table;

use super::{PushOptions, PushReport};
use crate::{Error, FeatureStore, Result, index::Staged, service::quoted};

impl FeatureStore {
    /// Names a source whose rows go to several views, each of which takes its own columns.
    ///
    /// # Errors
    /// [`Error::UnknownView`] if a view is not registered, [`Error::DuplicateSource`] if the name stands for
    /// other views already.
    pub fn register_source(&self, name: &str, views: &[&str]) -> Result<()> {
        for view in views {
            self.shelf(view)?;
        }
        let views: Vec<String> = views.iter().map(|view| (*view).to_owned()).collect();
        let mut sources = self
            .inner
            .sources
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = sources
            .entry(name.to_owned())
            .or_insert_with(|| views.clone());
        if *known == views {
            return Ok(());
        }
        Err(Error::DuplicateSource {
            source_name: name.to_owned(),
        })
    }

    /// Pushes rows to every view of a source; a report for each, in the order that was registered.
    ///
    /// The rows are checked against all views before the first one takes them. A failure of a disk or of an
    /// online store can leave some views with the rows and others without; with event ids the same push can
    /// be repeated.
    ///
    /// # Errors
    /// [`Error::UnknownSource`], and those of [`push_with`](Self::push_with).
    pub fn push_to_source(
        &self,
        name: &str,
        table: &Table,
        options: &PushOptions,
    ) -> Result<Vec<PushReport>> {
        let views = {
            let sources = self
                .inner
                .sources
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let found = sources.get(name).cloned();
            found.ok_or_else(|| Error::UnknownSource {
                source_name: name.to_owned(),
                available: quoted(sources.keys().map(String::as_str)),
            })?
        };
        for view in &views {
            Staged::new(self.shelf(view)?.read().view(), table)?;
        }
        views
            .iter()
            .map(|view| self.push_with(view, table, options))
            .collect()
    }
}
