//! What URLs need to be reached: a memory of their own, and the settings of S3.

use std::{path::PathBuf, sync::Arc};

use object_store::{ObjectStore, memory::InMemory, path::Path as Key};

use super::{Location, percent_decode};
#[cfg(feature = "s3")]
use super::{S3Settings, s3::S3};
use crate::{Error, Result};

/// Turns URLs into [`Location`]s. Clones share one memory and one pool of connections.
///
/// | URL | what it names |
/// | --- | --- |
/// | `data/orders.parquet`, `/data/orders.parquet` | a file, by its path as it stands |
/// | `file:///data/my%20orders.parquet` | a file, percent-decoded |
/// | `memory://orders.parquet` | an object in the memory of this value |
/// | `s3://bucket/orders.parquet` | an object in S3, with feature `s3` and `Objects::with_s3`; the key as it stands |
///
/// Settings are arguments: no environment variable and no file of credentials is read.
///
/// ```
/// use mlops_store::Objects;
///
/// let objects = Objects::new();
/// objects.locate("memory://a/b.txt")?.put("hello world".as_bytes())?;
/// let reader = objects.locate("memory://a/b.txt")?.open()?;
/// assert_eq!((reader.size(), reader.get_range(6..11)?.as_ref()), (11, &b"world"[..]));
/// # Ok::<(), mlops_store::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Objects {
    memory: Arc<InMemory>,
    #[cfg(feature = "s3")]
    s3: Option<Arc<S3>>,
}

impl Objects {
    /// Files and a fresh memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `s3://` URLs reached by these settings.
    #[cfg(feature = "s3")]
    #[must_use]
    pub fn with_s3(mut self, settings: S3Settings) -> Self {
        self.s3 = Some(Arc::new(S3::new(settings)));
        self
    }

    /// The place that a URL names. Nothing is looked up yet.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] if it makes no sense or holds credentials, [`Error::UnsupportedUrl`] if its scheme
    /// is not known or has no settings here.
    pub fn locate(&self, url: &str) -> Result<Location> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Ok(Location::file(url));
        };
        let invalid = |reason: String| Error::InvalidUrl {
            url: shown(url),
            reason,
        };
        let unsupported = |reason| {
            Err(Error::UnsupportedUrl {
                url: shown(url),
                reason,
            })
        };
        if rest
            .split('/')
            .next()
            .is_some_and(|host| host.contains('@'))
        {
            return Err(invalid(
                "credentials are settings and no part of a URL".to_owned(),
            ));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                if !path.starts_with('/') {
                    return Err(invalid("a file URL has the form `file:///path`".to_owned()));
                }
                let path = percent_decode(path)
                    .ok_or_else(|| invalid("it is not percent-encoded UTF-8".to_owned()))?;
                Ok(Location::file(PathBuf::from(path.as_ref())))
            }
            "memory" => {
                let key = key(rest).map_err(invalid)?;
                let store: Arc<dyn ObjectStore> = self.memory.clone();
                Ok(Location::object(url, store, key))
            }
            "s3" => self.locate_s3(url, rest),
            _ => unsupported("the schemes are `file`, `memory` and `s3`"),
        }
    }

    #[cfg(feature = "s3")]
    fn locate_s3(&self, url: &str, rest: &str) -> Result<Location> {
        let Some(s3) = &self.s3 else {
            return Err(Error::UnsupportedUrl {
                url: shown(url),
                reason: "no settings for S3 were given",
            });
        };
        let invalid = |reason: String| Error::InvalidUrl {
            url: shown(url),
            reason,
        };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(invalid("it names no bucket".to_owned()));
        }
        let key = key(path).map_err(invalid)?;
        Ok(Location::object(url, s3.bucket(bucket, url)?, key))
    }

    #[cfg(not(feature = "s3"))]
    #[expect(
        clippy::unused_self,
        reason = "with the feature, the settings are its own"
    )]
    fn locate_s3(&self, url: &str, _: &str) -> Result<Location> {
        Err(Error::UnsupportedUrl {
            url: shown(url),
            reason: "the feature `s3` is not compiled in",
        })
    }
}

/// A key as it stands, without the slashes around it.
fn key(path: &str) -> Result<Key, String> {
    let path = path.trim_matches('/');
    Key::parse(path).map_err(|e| e.to_string())
}

/// A URL for an error text: without what stands before an `@`, and without a query, which may be signed.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}{path}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_an_object() {
        let objects = Objects::new();
        let path = |url: &str| {
            let location = objects.locate(url).unwrap();
            location.as_path().map(|path| path.display().to_string())
        };
        assert_eq!(path("a/b.csv").as_deref(), Some("a/b.csv"));
        assert_eq!(path("/a/b c%20.csv").as_deref(), Some("/a/b c%20.csv"));
        assert_eq!(path("file:///a/b%20c.csv").as_deref(), Some("/a/b c.csv"));
        assert_eq!(path("FILE://localhost/a").as_deref(), Some("/a"));
        assert_eq!(path("memory://a/b"), None);
        assert_eq!(
            objects.locate("memory://a/b").unwrap().url(),
            "memory://a/b"
        );
    }

    #[test]
    fn a_url_that_makes_no_sense_is_refused_without_its_secrets() {
        let objects = Objects::new();
        for bad in [
            "file://host/a",
            "file:///%zz",
            "memory://a//b",
            "memory://a/../b",
            "ftp://a/b",
            "s3://bucket/key",
            "s3://AKID:SECRET@bucket/key",
            "https://user:SECRET@host/key?X-Amz-Signature=SECRET",
        ] {
            let error = objects.locate(bad).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::InvalidUrl { .. } | Error::UnsupportedUrl { .. }
                ),
                "{bad}: {error}"
            );
            assert!(!error.to_string().contains("SECRET"), "{error}");
        }
    }
}
