//! Artifacts over the wire: paths that are keys in a namespace and never reach a file system, and bytes that
//! no browser takes for a page.

mod download;
mod path;

pub(super) use download::Download;
pub(super) use path::{ArtifactPlace, Owner, check_below, path_of_version};
