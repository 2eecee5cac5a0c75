//! An S3 server in the process, over a directory, that remembers what it was asked and fails when it is told to.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::{net::TcpListener, runtime::Runtime};

/// The access key that the server knows.
pub const KEY: &str = "AKINTEROP";
/// Its secret.
pub const SECRET: &str = "interop-secret";

/// What the server sent and what it is to do wrong.
#[derive(Debug, Default)]
pub struct Log {
    requests: Mutex<Vec<String>>,
    bytes: AtomicU64,
    failures: AtomicU64,
    pause_millis: AtomicU64,
}

impl Log {
    /// The requests so far, as `GET /bucket/key bytes=0-99`.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panics with it").clone()
    }

    /// The bytes of all bodies that were sent in answer to `GET` of an object.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Forgets what was sent.
    pub fn clear(&self) {
        self.requests.lock().expect("nobody panics with it").clear();
        self.bytes.store(0, Ordering::SeqCst);
    }

    /// Answers the next requests with "slow down".
    pub fn fail(&self, requests: u64) {
        self.failures.store(requests, Ordering::SeqCst);
    }

    /// Waits before every answer.
    pub fn pause(&self, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).expect("a short pause");
        self.pause_millis.store(millis, Ordering::SeqCst);
    }
}

/// A server that ends with this value.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    log: Arc<Log>,
    _runtime: Runtime,
}

impl Server {
    /// Serves the directories below a directory as buckets.
    ///
    /// # Panics
    /// If it cannot.
    pub fn start(root: &Path) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let log = Arc::new(Log::default());
        let files = s3s_fs::FileSystem::new(root).expect("a directory");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::clone(&log);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (service, log) = (service.clone(), Arc::clone(&seen));
                let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let (service, log) = (service.clone(), Arc::clone(&log));
                    async move {
                        let range = request.headers().get("range").cloned();
                        let range = range.map(|r| format!(" {}", r.to_str().unwrap_or("?")));
                        let line = format!(
                            "{} {}{}",
                            request.method(),
                            request.uri().path(),
                            range.unwrap_or_default()
                        );
                        let is_object = request.method() == hyper::Method::GET
                            && request
                                .uri()
                                .query()
                                .is_none_or(|q| !q.contains("list-type"));
                        log.requests
                            .lock()
                            .expect("nobody panics with it")
                            .push(line);
                        let pause = log.pause_millis.load(Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                        let failing =
                            log.failures
                                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                                    left.checked_sub(1)
                                });
                        if failing.is_ok() {
                            let mut slow = Response::new(s3s::Body::empty());
                            *slow.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                            return Ok(slow);
                        }
                        let response = service.call(request.map(s3s::Body::from)).await?;
                        if is_object && response.status().is_success() {
                            let length = response.headers().get("content-length");
                            let length = length.and_then(|l| l.to_str().ok()?.parse().ok());
                            log.bytes.fetch_add(length.unwrap_or(0), Ordering::SeqCst);
                        }
                        Ok::<_, s3s::HttpError>(response)
                    }
                });
                tokio::spawn(
                    hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), answer)
                        .into_owned(),
                );
            }
        });
        Self {
            address,
            log,
            _runtime: runtime,
        }
    }

    /// The URL of the server.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it sent.
    pub fn log(&self) -> &Log {
        &self.log
    }
}
