//! The manifest: which files a package has, and the digest of each.
//!
//! It is the only file that nothing else vouches for, so it has one possible text: what is read must be,
//! byte for byte, what would be written for the same content. A flipped byte then either breaks the
//! text or names other digests.

use std::collections::BTreeMap;

use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, limit, package, signature::shorten};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    schema_version: u32,
    files: BTreeMap<String, Entry>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    bytes: u64,
    digest: Digest,
}

impl Entry {
    fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            digest: Digest::of(bytes),
        }
    }
}

/// Reads the version alone, so that a later format is called that and not corrupt.
#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

/// The manifest's text for these files.
pub(super) fn write(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    text(&Manifest {
        schema_version: package::SCHEMA_VERSION,
        files: files
            .iter()
            .map(|(name, bytes)| (name.clone(), Entry::of(bytes)))
            .collect(),
    })
}

/// Checks that these are the files of their manifest, no more and no fewer.
pub(super) fn verify(files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    check_sizes(files)?;
    let bytes = files
        .get(package::MANIFEST)
        .ok_or_else(|| package::missing(package::MANIFEST))?;
    limit::check(
        "the manifest's size in bytes",
        bytes.len(),
        limit::MANIFEST_BYTES,
    )?;
    let Version { schema_version } = parse(bytes)?;
    if schema_version > package::SCHEMA_VERSION {
        return Err(Error::UnsupportedVersion {
            found: schema_version,
            newest: package::SCHEMA_VERSION,
        });
    }
    if schema_version == 0 {
        return Err(Error::corrupt(
            package::MANIFEST,
            "there is no schema version 0",
        ));
    }
    let manifest: Manifest = parse(bytes)?;
    if text(&manifest) != *bytes {
        return Err(Error::corrupt(
            package::MANIFEST,
            "it is not written as a manifest is",
        ));
    }
    for (name, entry) in &manifest.files {
        check_name(name)?;
        let bytes = files.get(name).ok_or_else(|| package::missing(name))?;
        if bytes.len() as u64 != entry.bytes {
            let found = bytes.len();
            return Err(Error::corrupt(
                name,
                format!("it has {found} bytes, the manifest says {}", entry.bytes),
            ));
        }
        if Digest::of(bytes) != entry.digest {
            return Err(Error::corrupt(name, "its digest is not the manifest's"));
        }
    }
    let listed = |name: &&String| *name == package::MANIFEST || manifest.files.contains_key(*name);
    match files.keys().find(|name| !listed(name)) {
        Some(name) => Err(Error::UnexpectedFile {
            file: shorten(name),
        }),
        None => Ok(()),
    }
}

/// Refuses files that are too many or too large before anything reads them.
pub(super) fn check_sizes(files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    limit::check("the number of files", files.len(), limit::FILES)?;
    for (name, bytes) in files {
        let what = format!("the size of `{}` in bytes", shorten(name));
        limit::check(what, bytes.len(), limit::FILE_BYTES)?;
    }
    let total = files.values().map(Vec::len).sum();
    limit::check(
        "the size of the package in bytes",
        total,
        limit::PACKAGE_BYTES,
    )
}

/// Refuses a name that is more than a plain name in any file system.
pub(super) fn check_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > 128 {
        "it is longer than 128 characters"
    } else if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    {
        "only letters, digits, `_`, `-` and `.` are allowed"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if name == package::MANIFEST {
        "the manifest does not list itself"
    } else {
        return Ok(());
    };
    Err(Error::InvalidFileName {
        name: shorten(name),
        reason,
    })
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|source| Error::Json {
        file: package::MANIFEST.to_owned(),
        source,
    })
}

fn text(manifest: &Manifest) -> Vec<u8> {
    let mut text =
        serde_json::to_vec_pretty(manifest).expect("names, numbers and digests serialise");
    text.push(b'\n');
    text
}
