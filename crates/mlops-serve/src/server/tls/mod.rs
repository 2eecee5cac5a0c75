//! TLS: a certificate and its key from PEM files, read again when they change.
//!
//! TLS 1.2 and 1.3 by rustls with ring. A certificate is replaced while the server runs: connections that are made
//! afterwards get the new one, and a pair of files that does not fit leaves the old one in service.

mod listener;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use mlops_core::Digest;
use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

pub(super) use listener::TlsListener;

use crate::{Error, Result, error::chain};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// The largest file that is read.
const FILE_BYTES: u64 = 1 << 20;

/// A certificate with its key, for [`Server::tls`](crate::Server::tls) and `TrackingServer::tls`.
///
/// The files are looked at every five seconds, and read again when they have changed, so that a renewed certificate
/// needs no restart.
#[derive(Clone)]
pub struct Tls(Arc<Files>);

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    look: Duration,
    current: ArcSwap<Pair>,
}

/// What was read, and the digest of both files.
#[derive(Debug)]
struct Pair {
    certified: Arc<CertifiedKey>,
    read: Digest,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.0.certificate)
            .field("key", &self.0.key)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// The certificate, followed by those that lead to its issuer, in one PEM file, and its private key (PKCS#8, PKCS#1
    /// or SEC1, not encrypted) in another.
    ///
    /// # Errors
    /// [`Error::Tls`] names the file that cannot be read, holds nothing of the kind, or does not fit the other.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self> {
        let (certificate, key) = (certificate.into(), key.into());
        let pair = Pair::read(&certificate, &key)?;
        Ok(Self(Arc::new(Files {
            certificate,
            key,
            look: LOOK,
            current: ArcSwap::from_pointee(pair),
        })))
    }

    /// Looks at the files more or less often.
    ///
    /// # Errors
    /// [`Error::Tls`] if the files no longer fit: they are read once more.
    pub fn look_every(self, time: Duration) -> Result<Self> {
        let pair = Pair::read(&self.0.certificate, &self.0.key)?;
        Ok(Self(Arc::new(Files {
            certificate: self.0.certificate.clone(),
            key: self.0.key.clone(),
            look: time,
            current: ArcSwap::from_pointee(pair),
        })))
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions)
            .expect("ring has both versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// Looks at the files for ever.
    pub(super) async fn follow(self) {
        loop {
            tokio::time::sleep(self.0.look).await;
            let files = Arc::clone(&self.0);
            let _ = tokio::task::spawn_blocking(move || files.look()).await;
        }
    }
}

impl Files {
    fn look(&self) {
        match Pair::read(&self.certificate, &self.key) {
            Ok(pair) if pair.read == self.current.load().read => {}
            Ok(pair) => {
                tracing::info!(certificate = %self.certificate.display(), "another certificate");
                self.current.store(Arc::new(pair));
            }
            // they may be written one after the other: the next look finds both
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the certificate stays the one before");
            }
        }
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().certified))
    }
}

impl Pair {
    fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let failed = |path: &Path, reason: String| Error::Tls {
            path: path.to_owned(),
            reason,
        };
        let bytes = |path: &Path| {
            let read = || {
                let length = fs::metadata(path)?.len();
                if length > FILE_BYTES {
                    return Err(std::io::Error::other("it is larger than 1 MiB"));
                }
                fs::read(path)
            };
            read().map_err(|error| failed(path, format!("it cannot be read: {error}")))
        };
        let (certificate_pem, key_pem) = (bytes(certificate)?, bytes(key)?);
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate_pem)
            .collect::<Result<_, _>>()
            .map_err(|error| failed(certificate, format!("it is not PEM: {error}")))?;
        if chain.is_empty() {
            return Err(failed(certificate, "it holds no certificate".to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|error| failed(key, format!("it holds no private key: {error}")))?;
        let certified = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| {
            failed(certificate, format!("it does not go with the key: {error}"))
        })?;
        let mut read = mlops_core::DigestBuilder::new();
        read.part("certificate", &certificate_pem)
            .part("key", &key_pem);
        Ok(Self {
            certified: Arc::new(certified),
            read: read.finish(),
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
