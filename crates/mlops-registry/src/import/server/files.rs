//! The files of a run or a logged model, downloaded through the server's own proxy.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use mlops_core::Digest;
use serde_json::json;

use super::{Remote, answer::Answer};
use crate::{
    Error, MlflowRequest, MlflowVerb, Registry, Result,
    error::cut,
    export::escaped,
    import::{ImportError, ImportReport, artifacts::Kept},
    key::check_artifact,
};

const ROOT: &str = "/api/2.0/mlflow-artifacts/artifacts";
/// How deep folders may lie in each other.
const DEPTH: usize = 64;
/// The most files of one run or logged model, and the most folders.
const FILES: usize = 100_000;
const FOLDERS: usize = 10_000;

impl Remote<'_> {
    /// Keeps the files below a path of the proxy in the store, but for those that are `known` here already.
    pub(in crate::import) fn keep(
        self,
        registry: &Registry,
        about: &str,
        root: &str,
        known: &BTreeMap<String, (Digest, i64)>,
        report: &mut ImportReport,
    ) -> Result<Vec<Kept>> {
        if let Err(error) = check_artifact(root) {
            let text = format!("its artifacts are left out: {error}");
            report.note(about, text);
            return Ok(Vec::new());
        }
        let mut kept = BTreeMap::new();
        let mut folders = vec![(String::new(), 0_usize)];
        let mut listed = 0;
        while let Some((folder, depth)) = folders.pop() {
            listed += 1;
            if listed > FOLDERS {
                report.note(about, "it has too many folders: some are left out");
                break;
            }
            let place = joined(root, &folder);
            let what = format!("the artifacts of {about}");
            let request = MlflowRequest {
                verb: MlflowVerb::Get,
                path: ROOT.to_owned(),
                body: json!({ "path": place }),
            };
            let answer = match self.server.call(&request) {
                Ok(answer) => answer,
                // a run without artifacts may have no folder
                Err(refusal) if refusal.status == Some(404) => continue,
                Err(source) => return Err(ImportError::Refused { what, source }.into()),
            };
            for file in Answer::new(&what, &answer)?.list("files")? {
                let name = file.text("path")?;
                let path = joined(&folder, name);
                let mut left_out = |text: &str| {
                    report.note(format!("artifact `{}` of {about}", cut(&path)), text);
                };
                if name.is_empty() || name.contains('/') || check_artifact(&path).is_err() {
                    left_out("no artifact can have that name here: left out");
                } else if file.flag("is_dir")? {
                    if depth >= DEPTH {
                        left_out("it lies too deep: left out");
                    } else {
                        folders.push((path, depth + 1));
                    }
                } else if kept.len() >= FILES {
                    left_out("there are too many files: left out");
                } else {
                    let told = file.maybe_int("file_size")?;
                    let file = match known.get(&path) {
                        Some((digest, size)) => Kept::new(path.clone(), *digest, *size),
                        None => {
                            self.download(registry, about, &joined(root, &path), &path, told)?
                        }
                    };
                    kept.insert(path, file);
                }
            }
        }
        Ok(kept.into_values().collect())
    }

    fn download(
        self,
        registry: &Registry,
        about: &str,
        place: &str,
        path: &str,
        told: Option<i64>,
    ) -> Result<Kept> {
        let what = || format!("artifact `{}` of {about}", cut(path));
        let size = told.map(|told| u64::try_from(told).unwrap_or_default());
        let url = format!("{ROOT}/{}", escaped(place));
        let content = self.server.download(&url);
        let content = content.map_err(|source| ImportError::Refused {
            what: what(),
            source,
        })?;
        let mut failure = None;
        let stored = registry.store().put_from(Bounded {
            content,
            // one byte more shows that there are more
            left: size.map_or(u64::MAX, |size| size.saturating_add(1)),
            failure: &mut failure,
        });
        if let Some(source) = failure {
            return Err(ImportError::Download {
                what: what(),
                source,
            }
            .into());
        }
        let stored = stored.map_err(|source| Error::NotKept {
            artifact: path.to_owned(),
            source: Box::new(source),
        })?;
        if size.is_some_and(|size| size != stored.size) {
            let found = if size.is_some_and(|size| stored.size > size) {
                "more".to_owned()
            } else {
                stored.size.to_string()
            };
            let told = size.unwrap_or_default();
            let reason = format!("it was said to have {told} bytes and has {found}");
            return Err(ImportError::Server {
                what: what(),
                reason,
            }
            .into());
        }
        let size = i64::try_from(stored.size).unwrap_or(i64::MAX);
        Ok(Kept::new(path.to_owned(), stored.digest, size))
    }
}

/// A reader that ends after so many bytes, and keeps its failure for whoever made it.
struct Bounded<'a> {
    content: Box<dyn Read + 'a>,
    left: u64,
    failure: &'a mut Option<io::Error>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        match self.content.read(&mut buffer[..most]) {
            Ok(read) => {
                self.left -= read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                *self.failure = Some(error);
                Err(kind.into())
            }
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        return name.to_owned();
    }
    if name.is_empty() {
        return folder.to_owned();
    }
    format!("{folder}/{name}")
}
