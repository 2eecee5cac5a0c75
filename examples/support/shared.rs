//! A registry that machines share: everything lies at a URL, and this machine keeps an index of it.

use std::{error::Error, path::Path};

use mlops::{
    registry::{Registry, RegistryBuilder},
    store::Objects,
};

/// A registry at `s3://bucket/path` or `file:///path`, with its index in a directory, or in memory without one; or the
/// one in SQLite that a `sqlite://` URL names.
pub(crate) fn builder(
    url: &str,
    directory: Option<&Path>,
) -> Result<RegistryBuilder, Box<dyn Error>> {
    if url.starts_with("sqlite://") {
        return Ok(Registry::builder(url));
    }
    let index = directory.map_or_else(
        || "memory://".to_owned(),
        |directory| format!("sqlite://{}", directory.join("index.db").display()),
    );
    Ok(Registry::builder(index).at(objects(url)?.locate(url)?))
}

#[cfg(not(feature = "s3"))]
fn objects(url: &str) -> Result<Objects, Box<dyn Error>> {
    if url.starts_with("s3://") {
        return Err("this build has no S3: it needs the feature `s3`".into());
    }
    Ok(Objects::new())
}

/// S3 as the variables say that its own tools read.
#[cfg(feature = "s3")]
fn objects(url: &str) -> Result<Objects, Box<dyn Error>> {
    use mlops::store::S3Settings;
    if !url.starts_with("s3://") {
        return Ok(Objects::new());
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment belongs to programs"
    )]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let mut settings = S3Settings::new(region.unwrap_or_else(|| "us-east-1".to_owned()));
    if let Some(endpoint) = variable("AWS_ENDPOINT_URL") {
        settings = settings.endpoint(endpoint);
    }
    match (
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    ) {
        (Some(key), Some(secret)) => settings = settings.credentials(key, secret),
        (None, None) => {}
        _ => return Err("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together".into()),
    }
    if let Some(token) = variable("AWS_SESSION_TOKEN") {
        settings = settings.session_token(token);
    }
    Ok(Objects::new().with_s3(settings))
}
