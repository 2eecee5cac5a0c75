//! What a version is made of, kept by digest: artifacts of a run or a logged model as they were when somebody
//! registered them, and versions as trees of files.

use std::collections::BTreeMap;

use mlops_core::{Action, Digest, ModelName, VersionNumber};
use mlops_store::{ArtifactReader, Tree, TreeFile};

use crate::{
    ArtifactOwner, Content, Error, LoggedModelId, ModelVersion, Registry, Result, Tracking,
};

/// The versions that were registered from logged models, by logged model.
pub type Registrations = BTreeMap<LoggedModelId, Vec<(ModelName, VersionNumber)>>;

impl Tracking {
    /// Keeps what lies at a path now, a file or a directory with all that is in it, as a tree of artifacts; the
    /// digest of its manifest. What happens to the path afterwards changes nothing about the tree. A path where there
    /// is nothing is an empty tree.
    ///
    /// ```
    /// use mlops_registry::{ArtifactOwner, ExperimentId, NewRun, NewVersion, Registry};
    ///
    /// let registry = Registry::memory()?;
    /// let tracking = registry.tracking();
    /// let run = ArtifactOwner::Run(tracking.create_run(NewRun::new(ExperimentId::DEFAULT))?.id);
    /// tracking.put_artifact(&run, "model/weights.bin", &b"weights"[..])?;
    /// let pinned = tracking.pin_artifacts(&run, "model")?;
    /// tracking.put_artifact(&run, "model/weights.bin", &b"others"[..])?;
    ///
    /// let version = registry.model("churn")?.register_version(NewVersion::tree(pinned))?;
    /// let tree = registry.version_tree(&version)?.unwrap();
    /// assert_eq!(tree.get("weights.bin").map(|file| file.size), Some(7));
    /// # Ok::<(), mlops_registry::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the path, [`Error::NotKept`] if the store fails, or if the paths or their number make
    /// no tree; [`Error::UnknownRun`],
    /// [`TrackingError::UnknownLoggedModel`](crate::TrackingError::UnknownLoggedModel), [`Error::Busy`] or
    /// [`Error::Database`].
    ///
    /// # Complexity
    /// Linear in the files; none of them is read.
    pub fn pin_artifacts(&self, owner: &ArtifactOwner, path: &str) -> Result<Digest> {
        let not_kept = |source| Error::NotKept {
            artifact: path.to_owned(),
            source: Box::new(source),
        };
        let mut files = Vec::new();
        let mut todo = vec![path.to_owned()];
        while let Some(directory) = todo.pop() {
            let directory = Some(directory.as_str()).filter(|path| !path.is_empty());
            for entry in self.artifacts(owner, directory)? {
                let Some((digest, size)) = entry.file else {
                    todo.push(entry.path);
                    continue;
                };
                let below = entry.path.strip_prefix(path).unwrap_or(&entry.path);
                let below = match below.trim_start_matches('/') {
                    // the path is a file itself
                    "" => entry.path.rsplit('/').next().unwrap_or(&entry.path),
                    below => below,
                };
                files.push(TreeFile {
                    path: below.parse().map_err(not_kept)?,
                    digest,
                    size,
                });
            }
        }
        let tree = Tree::new(files).map_err(not_kept)?;
        self.registry().store().put_tree(&tree).map_err(not_kept)
    }
}

impl Registry {
    /// Keeps a tree whose files are kept already; the digest of its manifest.
    ///
    /// # Errors
    /// [`Error::NotKept`] if a file is not kept, or the store fails.
    pub fn keep_tree(&self, tree: &Tree) -> Result<Digest> {
        self.store()
            .put_tree(tree)
            .map_err(|source| Error::NotKept {
                artifact: "a tree of files".to_owned(),
                source: Box::new(source),
            })
    }

    /// The files of a version, by their paths; `None` if it is a place elsewhere, whose files are not kept here.
    ///
    /// # Errors
    /// [`Error::Artifact`] if the manifest or a file of it is gone or damaged.
    pub fn version_tree(&self, version: &ModelVersion) -> Result<Option<Tree>> {
        let damaged = |artifact: &str| {
            let artifact = artifact.to_owned();
            move |source| Error::Artifact {
                model: version.model.clone(),
                version: version.version,
                artifact,
                source: Box::new(source),
            }
        };
        match version.content {
            Content::Source => Ok(None),
            Content::Tree => {
                let tree = self.store().tree(&version.digest);
                tree.map(Some).map_err(damaged("the manifest"))
            }
            Content::Package => {
                let files = version.files.iter().map(|(name, digest)| {
                    let size = self.store().reader(digest).map_err(damaged(name))?.size();
                    Ok(TreeFile {
                        path: name.parse().map_err(damaged(name))?,
                        digest: *digest,
                        size,
                    })
                });
                let files = files.collect::<Result<Vec<_>>>()?;
                Tree::new(files).map(Some).map_err(damaged("the files"))
            }
        }
    }

    /// A reader of a file of a version, which compares what it reads with the digest; `None` if the version has no
    /// such file.
    ///
    /// # Errors
    /// As for [`version_tree`](Self::version_tree).
    pub fn open_version_file(
        &self,
        version: &ModelVersion,
        path: &str,
    ) -> Result<Option<ArtifactReader>> {
        let tree = self.version_tree(version)?;
        let Some(file) = tree.as_ref().and_then(|tree| tree.get(path)) else {
            return Ok(None);
        };
        let reader = self.store().reader(&file.digest);
        reader.map(Some).map_err(|source| Error::Artifact {
            model: version.model.clone(),
            version: version.version,
            artifact: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// The versions that were registered from logged models, of those that the actor may read. Where machines share
    /// the models it tells of those that this handle has looked at.
    ///
    /// # Errors
    /// [`Error::Stored`], [`Error::Log`], [`Error::Busy`] or [`Error::Database`].
    pub fn registrations(&self, of: &[&LoggedModelId]) -> Result<Registrations> {
        let mut found = Registrations::new();
        if of.is_empty() {
            return Ok(found);
        }
        let policy = self.policy()?;
        let may_read = |model: &ModelName| {
            let policy = policy.as_ref();
            policy.is_none_or(|policy| policy.allow(self.actor(), Action::Read, model).is_ok())
        };
        self.models_backend()
            .registered_from(of, &mut |id, model, version| {
                if may_read(&model) {
                    found.entry(id.clone()).or_default().push((model, version));
                }
            })?;
        for versions in found.values_mut() {
            versions.sort();
        }
        Ok(found)
    }
}
