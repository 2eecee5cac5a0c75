//! Directories as artifacts: a list of paths, each with the digest of its file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
};

use bytes::Bytes;
use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use super::{ArtifactPath, ArtifactStore, Stored, name::Kind, store::verified};
use crate::{Error, Result};

/// The most bytes of a tree's list.
pub(super) const MAX_TREE: u64 = 64 << 20;
/// The most files of a tree.
const MAX_FILES: usize = 100_000;
const FORMAT: u32 = 1;

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeFile {
    /// Its path.
    pub path: ArtifactPath,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// The files of a directory, by path. No path is also a directory of another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<ArtifactPath, TreeFile>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    files: Vec<TreeFile>,
}

impl Tree {
    /// A tree of files.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if a path is there twice, or is a directory of another, or is one too many: 100,000 files
    /// are the most, and 2^64 bytes of all together.
    pub fn new(files: impl IntoIterator<Item = TreeFile>) -> Result<Self> {
        let mut tree = Self::default();
        let mut size = 0_u64;
        for file in files {
            let invalid = |reason| Error::InvalidPath {
                path: file.path.to_string(),
                reason,
            };
            if tree.files.len() == MAX_FILES {
                return Err(invalid("a tree has at most 100,000 files"));
            }
            if tree.files.contains_key(&file.path) {
                return Err(invalid("it is there twice"));
            }
            size = file
                .size
                .checked_add(size)
                .ok_or_else(|| Error::InvalidPath {
                    path: file.path.to_string(),
                    reason: "the files up to it have more than 2^64 bytes",
                })?;
            tree.files.insert(file.path.clone(), file);
        }
        for path in tree.files.keys() {
            let above = path
                .as_str()
                .match_indices('/')
                .map(|(at, _)| &path.as_str()[..at]);
            for folder in above {
                if tree.files.contains_key(folder) {
                    return Err(Error::InvalidPath {
                        path: folder.to_owned(),
                        reason: "it is a file and a directory",
                    });
                }
            }
        }
        Ok(tree)
    }

    /// The files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = &TreeFile> {
        self.files.values()
    }

    /// The file of a path.
    pub fn get(&self, path: &str) -> Option<&TreeFile> {
        self.files.get(path)
    }

    /// The bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }

    fn encode(&self) -> Vec<u8> {
        let written = Written {
            format: FORMAT,
            files: self.files.values().cloned().collect(),
        };
        serde_json::to_vec(&written).expect("strings and numbers can be written as JSON")
    }

    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let written: Written =
            serde_json::from_slice(bytes).map_err(|_| "it is no list of files")?;
        if written.format != FORMAT {
            return Err("its format is newer than this program");
        }
        Self::new(written.files).map_err(|_| "its paths make no tree")
    }
}

impl ArtifactStore {
    /// Keeps a tree whose files are kept already, and returns its digest. The order of the files makes no difference.
    ///
    /// # Errors
    /// [`Error::NotFound`] if one of the files is not kept; [`Error::TooLarge`]; and those of [`put`](Self::put).
    pub fn put_tree(&self, tree: &Tree) -> Result<Digest> {
        let bytes = Bytes::from(tree.encode());
        let size = bytes.len() as u64;
        if size > MAX_TREE {
            return Err(Error::TooLarge {
                url: self.folder.url().to_owned(),
                size,
                most: MAX_TREE,
            });
        }
        let digest = Digest::of(&bytes);
        self.keep(Kind::Tree, &digest, &bytes)?;
        // at last, so that all of it is safe from this instant on
        let files: BTreeSet<Digest> = tree.files().map(|file| file.digest).collect();
        for file in files {
            if !self.contains(&file)? {
                return Err(Error::NotFound { digest: file });
            }
        }
        Ok(digest)
    }

    /// The tree under a digest.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Corrupt`] or [`Error::Malformed`], and those of the store.
    pub fn tree(&self, digest: &Digest) -> Result<Tree> {
        let Some((name, bytes)) = self.find(&[Kind::Tree], digest)? else {
            return Err(Error::NotFound { digest: *digest });
        };
        let bytes = verified(digest, bytes)?;
        Tree::decode(&bytes).map_err(|reason| Error::Malformed {
            url: self.folder.url_of(&name.path()),
            reason,
        })
    }

    /// Keeps all files below a directory of this machine, and the tree of them.
    ///
    /// # Errors
    /// [`Error::InvalidPath`] if a name below it cannot be part of a tree, or is a link or a device;
    /// [`Error::Io`] if it cannot be read; and those of [`put_from`](Self::put_from) and [`put_tree`](Self::put_tree).
    pub fn put_directory(&self, path: impl AsRef<Path>) -> Result<Stored> {
        let root = path.as_ref();
        let (mut files, mut size, mut sent) = (Vec::new(), 0, 0);
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            let at = root.join(&folder);
            let failed = |source| Error::Io {
                action: "list",
                path: at.clone(),
                source,
            };
            for entry in fs::read_dir(&at).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name();
                let path = match (name.to_str(), folder.as_str()) {
                    (Some(name), "") => name.to_owned(),
                    (Some(name), folder) => format!("{folder}/{name}"),
                    (None, _) => {
                        return Err(Error::InvalidPath {
                            path: entry.path().display().to_string(),
                            reason: "its name is not UTF-8",
                        });
                    }
                };
                let key: ArtifactPath = path.parse()?;
                let kind = entry.file_type().map_err(failed)?;
                if kind.is_dir() {
                    open.push(path);
                } else if kind.is_file() {
                    let file = File::open(entry.path()).map_err(failed)?;
                    let stored = self.put_from(file)?;
                    size += stored.size;
                    sent += stored.sent;
                    files.push(TreeFile {
                        path: key,
                        digest: stored.digest,
                        size: stored.size,
                    });
                } else {
                    return Err(Error::InvalidPath {
                        path,
                        reason: "it is neither a file nor a directory",
                    });
                }
            }
        }
        let digest = self.put_tree(&Tree::new(files)?)?;
        Ok(Stored { digest, size, sent })
    }

    /// Writes the files of a tree below a directory, which is made if it is not there. Files that are there are
    /// replaced; links below it are not followed.
    ///
    /// # Errors
    /// Those of [`tree`](Self::tree) and [`download`](Self::download), and [`Error::InvalidPath`] where something other
    /// than a directory is in the way.
    pub fn download_tree(&self, digest: &Digest, path: impl AsRef<Path>) -> Result<Tree> {
        let root = path.as_ref();
        let tree = self.tree(digest)?;
        let failed = |source| Error::Write {
            digest: *digest,
            source,
        };
        fs::create_dir_all(root).map_err(failed)?;
        let mut made = BTreeSet::new();
        for file in tree.files() {
            let path = file.path.as_str();
            for (at, _) in path.match_indices('/') {
                let folder = &path[..at];
                if !made.insert(folder.to_owned()) {
                    continue;
                }
                let at = root.join(folder);
                match fs::symlink_metadata(&at) {
                    Ok(meta) if meta.is_dir() => {}
                    Ok(_) => {
                        return Err(Error::InvalidPath {
                            path: folder.to_owned(),
                            reason: "what is there is no directory",
                        });
                    }
                    Err(_) => fs::create_dir(&at).map_err(failed)?,
                }
            }
            self.download(&file.digest, root.join(path))?;
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> TreeFile {
        TreeFile {
            path: path.parse().unwrap(),
            digest: Digest::of(path.as_bytes()),
            size: path.len() as u64,
        }
    }

    #[test]
    fn the_order_of_files_makes_no_difference_and_the_format_is_read_for_ever() {
        let tree = Tree::new(["b/c", "a"].map(file)).unwrap();
        assert_eq!(tree, Tree::new(["a", "b/c"].map(file)).unwrap());
        let expected = format!(
            r#"{{"format":1,"files":[{{"path":"a","digest":"{}","size":1}},{{"path":"b/c","digest":"{}","size":3}}]}}"#,
            Digest::of(b"a"),
            Digest::of(b"b/c"),
        );
        assert_eq!(String::from_utf8(tree.encode()).unwrap(), expected);
        assert_eq!(Tree::decode(expected.as_bytes()), Ok(tree));
        assert!(Tree::decode(expected.replace("b/c", "b/../c").as_bytes()).is_err());
        assert!(Tree::decode(expected.replace(":1,\"files", ":2,\"files").as_bytes()).is_err());
    }

    #[test]
    fn a_file_is_no_directory_and_no_path_is_there_twice() {
        for bad in [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"]] {
            assert!(matches!(
                Tree::new(bad.map(file)),
                Err(Error::InvalidPath { .. })
            ));
        }
        assert!(Tree::new(["a", "a-b", "ab/c"].map(file)).is_ok());
    }

    #[test]
    fn files_that_are_too_large_together_make_no_tree() {
        let huge = |path| TreeFile {
            size: u64::MAX - 1,
            ..file(path)
        };
        assert_eq!(Tree::new([huge("a"), file("b")]).unwrap().size(), u64::MAX);
        assert!(Tree::new([huge("a"), huge("b")]).is_err());
    }
}
