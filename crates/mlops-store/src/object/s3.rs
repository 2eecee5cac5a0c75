//! S3 and its like: Minio, Ceph, R2, and whatever else speaks the protocol.
//!
//! The HTTP client is built here and not by `object_store`, whose own asks the environment for proxies.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use object_store::{
    ClientOptions, Error as BackendFailure, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, S3ConditionalPut},
    client::{HttpClient, HttpConnector},
};

use crate::{Error, Result, error::backend};

/// How S3 is reached. Nothing is taken from the environment, and secrets are printed nowhere.
///
/// ```
/// use std::time::Duration;
/// use mlops_store::{Objects, S3Settings};
///
/// let settings = S3Settings::new("eu-west-2")
///     .credentials("AKID", "SECRET")
///     .endpoint("http://localhost:9000") // Minio; without it, AWS
///     .timeout(Duration::from_secs(10));
/// assert!(!format!("{settings:?}").contains("SECRET"));
/// let location = Objects::new().with_s3(settings).locate("s3://lake/orders.parquet")?;
/// assert_eq!(location.url(), "s3://lake/orders.parquet");
/// # Ok::<(), mlops_store::Error>(())
/// ```
#[derive(Clone)]
pub struct S3Settings {
    region: String,
    endpoint: Option<String>,
    credentials: Option<(String, String)>,
    token: Option<String>,
    bucket_in_host: bool,
    timeout: Duration,
    connect_timeout: Duration,
    retries: usize,
    retry_timeout: Duration,
}

impl S3Settings {
    /// AWS in a region, without credentials: public buckets only.
    pub fn new(region: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            endpoint: None,
            credentials: None,
            token: None,
            bucket_in_host: false,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retries: 5,
            retry_timeout: Duration::from_mins(1),
        }
    }

    /// The access key and its secret.
    #[must_use]
    pub fn credentials(mut self, access_key: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Some((access_key.into(), secret.into()));
        self
    }

    /// The token of temporary credentials.
    #[must_use]
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Another server than AWS, by its URL. `http://` is allowed for such a server.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Addresses a bucket by the host name and not by the path.
    #[must_use]
    pub fn bucket_in_host(mut self) -> Self {
        self.bucket_in_host = true;
        self
    }

    /// The longest that one request may take, 30 seconds unless said otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The longest that a connection may take to be made, 5 seconds unless said otherwise.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How often a request is tried again after a server error or a lost connection, 5 times unless said
    /// otherwise, with growing pauses.
    #[must_use]
    pub fn retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }

    /// The time after which no further try is begun, 60 seconds unless said otherwise.
    #[must_use]
    pub fn retry_timeout(mut self, timeout: Duration) -> Self {
        self.retry_timeout = timeout;
        self
    }
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_deref().map(without_user))
            .field("signed", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

/// An endpoint without a user and password before its host.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

/// The buckets of one set of settings. Each is built once, because each has a pool of connections.
#[derive(Debug)]
pub(super) struct S3 {
    settings: S3Settings,
    buckets: Mutex<BTreeMap<String, Arc<dyn ObjectStore>>>,
}

impl S3 {
    pub(super) fn new(settings: S3Settings) -> Self {
        Self {
            settings,
            buckets: Mutex::default(),
        }
    }

    pub(super) fn bucket(&self, name: &str, url: &str) -> Result<Arc<dyn ObjectStore>> {
        // the map is whole whatever happened to a holder of the lock
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(name) {
            return Ok(Arc::clone(bucket));
        }
        let bucket = self.build(name, url)?;
        buckets.insert(name.to_owned(), Arc::clone(&bucket));
        Ok(bucket)
    }

    fn build(&self, bucket: &str, url: &str) -> Result<Arc<dyn ObjectStore>> {
        let settings = &self.settings;
        let retry = RetryConfig {
            max_retries: settings.retries,
            retry_timeout: settings.retry_timeout,
            ..RetryConfig::default()
        };
        let plain = match &settings.endpoint {
            Some(endpoint) if endpoint.contains('@') => {
                return Err(Error::InvalidUrl {
                    url: without_user(endpoint).to_owned(),
                    reason: "credentials are settings and no part of an endpoint".to_owned(),
                });
            }
            Some(endpoint) => endpoint.starts_with("http://"),
            None => false,
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&settings.region)
            .with_virtual_hosted_style_request(settings.bucket_in_host)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry)
            .with_allow_http(plain)
            .with_http_connector(Connector {
                timeout: settings.timeout,
                connect_timeout: settings.connect_timeout,
                plain,
            });
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        builder = match &settings.credentials {
            Some((key, secret)) => builder
                .with_access_key_id(key)
                .with_secret_access_key(secret),
            None => builder.with_skip_signature(true),
        };
        if let Some(token) = &settings.token {
            builder = builder.with_token(token);
        }
        let store = builder.build().map_err(backend("open", url))?;
        Ok(Arc::new(store))
    }
}

/// Makes HTTP clients that ask the environment for nothing.
#[derive(Debug)]
struct Connector {
    timeout: Duration,
    connect_timeout: Duration,
    plain: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(self.timeout)
            .connect_timeout(self.connect_timeout)
            .http1_only()
            .https_only(!self.plain)
            .build()
            .map_err(|e| BackendFailure::Generic {
                store: "S3",
                source: Box::new(e),
            })?;
        Ok(HttpClient::new(client))
    }
}
