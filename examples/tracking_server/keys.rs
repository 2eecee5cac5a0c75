//! Keys and certificates from files: what secrets are encrypted with, and what the server shows its clients.

use mlops::{registry::RegistryBuilder, serve::TrackingServer};

use crate::{AnyResult, args::Args};

#[cfg(feature = "webhooks")]
pub fn with_secret_keys(registry: RegistryBuilder, args: &Args) -> AnyResult<RegistryBuilder> {
    use mlops::registry::SecretKeys;
    let Some(path) = &args.secret_key else {
        return Ok(registry);
    };
    let mut keys = SecretKeys::new(read_key(path)?);
    for path in &args.old_secret_keys {
        keys = keys.or_old(read_key(path)?);
    }
    Ok(registry.secret_keys(keys))
}

#[cfg(not(feature = "webhooks"))]
pub fn with_secret_keys(registry: RegistryBuilder, args: &Args) -> AnyResult<RegistryBuilder> {
    match args.secret_key {
        None => Ok(registry),
        Some(_) => Err("this build has no webhooks: it needs the feature `webhooks`".into()),
    }
}

/// Reads 32 bytes, written as 64 hexadecimal digits.
#[cfg(feature = "webhooks")]
fn read_key(path: &std::path::Path) -> AnyResult<[u8; 32]> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let digits = text.trim();
    let mut key = [0; 32];
    let wrong = || format!("{} does not hold 64 hexadecimal digits", path.display());
    if digits.len() != 64 || !digits.is_ascii() {
        return Err(wrong().into());
    }
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

#[cfg(feature = "tls")]
pub fn with_tls(server: TrackingServer, args: &Args) -> AnyResult<TrackingServer> {
    use mlops::serve::Tls;
    Ok(match &args.tls {
        Some((certificate, key)) => server.tls(Tls::from_files(certificate, key)?),
        None => server,
    })
}

#[cfg(not(feature = "tls"))]
pub fn with_tls(server: TrackingServer, args: &Args) -> AnyResult<TrackingServer> {
    match args.tls {
        None => Ok(server),
        Some(_) => Err("this build has no TLS: it needs the feature `tls`".into()),
    }
}
