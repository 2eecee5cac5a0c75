//! Signatures beside a version's package: files that say who vouches for it.
//!
//! They are kept and handed out, and not judged: whose signatures count is a trust policy's to say, where
//! the package is loaded. A package's own files have no slash in their names, so these cannot be among them.

use std::collections::BTreeMap;

use mlops_core::{Action, Digest, ModelName, VersionNumber};
use mlops_model::limit;
use serde::Serialize;

use crate::{
    Error, ModelVersion, RegisteredModel, Registry, Result,
    change::{Change, Draft},
    error::cut,
};

pub(crate) const PREFIX: &str = "signatures/";

/// The evidence of a signature in the audit trail.
#[derive(Serialize)]
struct Signed<'a> {
    signature: &'a str,
    digest: String,
}

impl RegisteredModel {
    /// Lays a signature beside the package of a version, under a plain name such as `release.sig`.
    /// The package stays as it is, and the same signature again is no news.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the name, [`Error::InvalidSignature`] if the file is empty, too large,
    /// one too many, or another one of its name is there; [`Error::UnknownVersion`],
    /// [`Error::NotKept`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn add_signature(
        &self,
        number: VersionNumber,
        name: &str,
        file: &[u8],
    ) -> Result<ModelVersion> {
        check_name(name)?;
        let refused = |reason| Error::InvalidSignature {
            model: self.name().clone(),
            version: number,
            name: name.to_owned(),
            reason,
        };
        if file.is_empty() || file.len() > limit::SIGNATURE_BYTES {
            return Err(refused("it is empty or larger than 64 KiB"));
        }
        let registry = self.registry();
        let digest = registry.keep(name, file)?;
        let committed = registry.commit(self.name(), &mut |now| {
            let state = now.live_for(Action::Write)?;
            let before = state.version(number)?;
            match before.signatures.get(name) {
                Some(stored) if *stored == digest => return Ok(Vec::new()),
                Some(_) => return Err(refused("another one of that name is there")),
                None if before.signatures.len() >= limit::SIGNATURES => {
                    return Err(refused("the version has as many as are looked at"));
                }
                None => {}
            }
            let change = Change::VersionSigned {
                version: number,
                name: name.to_owned(),
                digest,
                size: file.len() as u64,
            };
            let signed = Signed {
                signature: name,
                digest: digest.to_string(),
            };
            Ok(vec![Draft::new(change, "").on(&signed)])
        })?;
        let state = committed.state.expect("the model is there");
        Ok(ModelVersion::clone(state.version(number)?))
    }
}

impl Registry {
    /// The signatures beside the package of a version, by name.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::UnknownVersion`]; [`Error::Artifact`] with the file that is gone
    /// or changed; [`Error::Busy`] or [`Error::Database`].
    pub fn signatures(
        &self,
        model: &ModelName,
        version: VersionNumber,
    ) -> Result<BTreeMap<String, Vec<u8>>> {
        let registered = self.version(model, version)?;
        self.fetch(model, version, &registered.signatures)
    }
}

/// Takes the signatures out of all files of a version.
pub(crate) fn split_off(files: &mut BTreeMap<String, Digest>) -> BTreeMap<String, Digest> {
    let signatures = files
        .extract_if(.., |path, _| path.starts_with(PREFIX))
        .map(|(path, digest)| (path[PREFIX.len()..].to_owned(), digest));
    signatures.collect()
}

fn check_name(name: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let reason = if name.is_empty() || name.len() > 128 {
        "it is empty or longer than 128 characters"
    } else if !name.bytes().all(plain) || name.starts_with('.') {
        "only letters, digits, `_`, `-` and, not at the front, `.` are allowed"
    } else {
        return Ok(());
    };
    Err(Error::InvalidKey {
        kind: "signature",
        key: cut(name),
        reason,
    })
}
