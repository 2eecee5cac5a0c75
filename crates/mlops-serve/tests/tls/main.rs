//! TLS of both servers, as a client meets it that trusts one authority and no other.
//!
//! `certificates/make.sh` made the certificates.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use mlops_core::{ErrorKind, Lineage};
use mlops_model::{
    Estimator, Linear, Link, ModelPackage, ModelSpec, Output, Preprocess, Signature,
};
use mlops_registry::Registry;
use mlops_serve::{Endpoint, Error, RunningServer, Server, Tls, TrackingServer};
use reqwest::{Certificate, Client, tls::Version};
use tokio::time::Instant;

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const SOON: Duration = Duration::from_millis(50);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls/certificates")
        .join(name)
}

/// The files of a certificate, in a directory of their own.
struct Files(tempfile::TempDir);

impl Files {
    fn of(name: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.replace(name);
        files
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("server.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.path().join("server.key")
    }

    fn replace(&self, name: &str) {
        fs::copy(fixture(&format!("{name}.pem")), self.certificate()).unwrap();
        fs::copy(fixture(&format!("{name}.key")), self.key()).unwrap();
    }

    fn tls(&self) -> Tls {
        let tls = Tls::from_files(self.certificate(), self.key()).unwrap();
        tls.look_every(SOON).unwrap()
    }
}

fn tracking(tls: Tls) -> RunningServer {
    let server = TrackingServer::new(Registry::memory().unwrap()).tls(tls);
    server.bind("127.0.0.1:0").unwrap()
}

/// A client that trusts the authority of the tests alone, and makes a connection for each request.
fn client(least: Version, most: Version) -> Client {
    Client::builder()
        .use_rustls_tls()
        .tls_built_in_root_certs(false)
        .add_root_certificate(Certificate::from_pem(AUTHORITY).unwrap())
        .min_tls_version(least)
        .max_tls_version(most)
        .pool_max_idle_per_host(0)
        .tls_info(true)
        .no_proxy()
        .build()
        .unwrap()
}

/// The body of the answer, and the certificate that the server showed.
async fn get(client: &Client, url: String) -> reqwest::Result<(String, Vec<u8>)> {
    let answer = client.get(url).send().await?;
    let info = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
    let shown = info.peer_certificate().unwrap().to_vec();
    Ok((answer.text().await?, shown))
}

#[tokio::test]
async fn both_servers_answer_over_tls_1_2_and_1_3_and_under_their_names() {
    let files = Files::of("first");
    let tracking = tracking(files.tls());
    let package = {
        let signature = Signature::new([], Output::Number).unwrap();
        let preprocess = Preprocess::new(&signature, vec![]).unwrap();
        let constant = Linear {
            weights: vec![],
            bias: vec![1.0],
            link: Link::Identity,
        };
        let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(constant)).unwrap();
        ModelPackage::builder(spec).build().unwrap()
    };
    let registry = Registry::memory().unwrap();
    let model = registry.model("churn").unwrap();
    model
        .register(&package, None, &Lineage::default(), "")
        .unwrap();
    let live = "live".parse().unwrap();
    model.set_alias(&live, 1).unwrap();
    let endpoint = Endpoint::open(&registry, "churn@live").unwrap();
    let models = Server::new().endpoint(endpoint).tls(files.tls());
    let models = models.bind("127.0.0.1:0").unwrap();
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client = client(version, version);
        for host in ["127.0.0.1", "localhost"] {
            let url = format!("https://{host}:{}/health", tracking.addr().port());
            assert_eq!(get(&client, url).await.unwrap().0, "OK");
            let url = format!("https://{host}:{}/v2/health/ready", models.addr().port());
            assert!(get(&client, url).await.is_ok());
        }
    }
    let (body, _) = get(
        &client(Version::TLS_1_2, Version::TLS_1_3),
        format!("https://{}/v2/models/churn", models.addr()),
    )
    .await
    .unwrap();
    assert!(body.contains("churn"), "{body}");
}

#[tokio::test]
async fn who_does_not_know_the_authority_or_speaks_no_tls_gets_nothing() {
    let server = tracking(Files::of("first").tls());
    let stranger = Client::builder()
        .use_rustls_tls()
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("https://{}/health", server.addr());
    assert!(stranger.get(&url).send().await.is_err());
    let answer = tokio::task::spawn_blocking({
        let address = server.addr();
        move || plainly(address)
    });
    assert!(!String::from_utf8_lossy(&answer.await.unwrap()).contains("HTTP"));
    let known = client(Version::TLS_1_2, Version::TLS_1_3);
    assert_eq!(get(&known, url).await.unwrap().0, "OK");
}

/// What a client gets that speaks HTTP without TLS.
fn plainly(address: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[tokio::test]
async fn who_connects_and_says_nothing_keeps_nobody_waiting() {
    let server = tracking(Files::of("first").tls());
    let silent: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(server.addr()).unwrap())
        .collect();
    let began = Instant::now();
    let known = client(Version::TLS_1_2, Version::TLS_1_3);
    let url = format!("https://{}/health", server.addr());
    assert_eq!(get(&known, url).await.unwrap().0, "OK");
    assert!(began.elapsed() < Duration::from_secs(5));
    drop(silent);
    let began = Instant::now();
    server.shutdown();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it stops as soon"
    );
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_bad_one_is_not() {
    let files = Files::of("first");
    let server = tracking(files.tls());
    // a client of its own each time, since one resumes its sessions and then sees no certificate
    let shown = async || {
        let client = client(Version::TLS_1_2, Version::TLS_1_3);
        let url = format!("https://{}/health", server.addr());
        get(&client, url).await.unwrap().1
    };
    let first = shown().await;
    // a certificate without its key, and what is none at all
    fs::copy(fixture("second.pem"), files.certificate()).unwrap();
    tokio::time::sleep(4 * SOON).await;
    assert_eq!(shown().await, first);
    fs::write(files.certificate(), "nothing").unwrap();
    tokio::time::sleep(4 * SOON).await;
    assert_eq!(shown().await, first);
    files.replace("second");
    let until = Instant::now() + Duration::from_secs(10);
    while shown().await == first {
        assert!(Instant::now() < until, "the new certificate is not shown");
        tokio::time::sleep(SOON).await;
    }
}

#[test]
fn files_that_cannot_serve_are_refused_by_name() {
    let files = Files::of("first");
    let check = |certificate: &Path, key: &Path, expect: &Path| {
        let error = Tls::from_files(certificate, key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let Error::Tls { path, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(path, expect, "{error}");
    };
    let (certificate, key) = (files.certificate(), files.key());
    let nowhere = files.0.path().join("nowhere");
    let empty = files.0.path().join("empty");
    fs::write(&empty, "").unwrap();
    let large = files.0.path().join("large");
    fs::write(&large, vec![b'-'; (1 << 20) + 1]).unwrap();
    check(&nowhere, &key, &nowhere);
    check(&certificate, &nowhere, &nowhere);
    check(&empty, &key, &empty);
    check(&certificate, &empty, &empty);
    check(&large, &key, &large);
    check(&key, &key, &key);
    check(&certificate, &certificate, &certificate);
    check(&certificate, &fixture("second.key"), &certificate);
}
