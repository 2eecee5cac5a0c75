//! An S3 server in the process, over a directory, that remembers what it was asked and fails when it is told to.
//!
//! Its writes are done one at a time: the server that it is built on looks whether an object is there and then writes
//! it, so that two writers at once would both create it.

mod faults;

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mlops_store::S3Settings;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::{net::TcpListener, runtime::Runtime, sync::Mutex as AsyncMutex};

pub use faults::Faults;
use faults::{Deed, Fault};

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
    faults: Mutex<Option<Faults>>,
    drawn: AtomicU64,
    unconditional: AtomicBool,
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

    /// Does wrong by chance from now on, or no more.
    pub fn misbehave(&self, faults: Option<Faults>) {
        *self.faults.lock().expect("nobody panics with it") = faults;
    }

    /// How many requests were done wrong by chance so far.
    pub fn misdeeds(&self) -> u64 {
        self.drawn.load(Ordering::SeqCst)
    }

    fn draw(&self, path: &str, writes: bool) -> Fault {
        let mut faults = self.faults.lock().expect("nobody panics with it");
        let fault = faults
            .as_mut()
            .map_or(Fault::None, |f| f.draw(path, writes));
        if !matches!(fault, Fault::None) {
            self.drawn.fetch_add(1, Ordering::SeqCst);
        }
        fault
    }

    /// Takes no notice of conditions from now on, as some stores do.
    pub fn ignore_conditions(&self) {
        self.unconditional.store(true, Ordering::SeqCst);
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
    /// Serves a new bucket, a directory below a directory.
    ///
    /// # Panics
    /// If it cannot.
    pub fn with_bucket(root: &Path, name: &str) -> Self {
        std::fs::create_dir_all(root.join(name)).expect("a directory");
        Self::start(root)
    }

    /// How the server is reached by whoever may.
    pub fn settings(&self) -> S3Settings {
        S3Settings::new("us-east-1")
            .endpoint(self.endpoint())
            .credentials(KEY, SECRET)
    }

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
        let writes = Arc::new(AsyncMutex::new(()));
        let root: Arc<Path> = root.into();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (service, log) = (service.clone(), Arc::clone(&seen));
                let (writes, root) = (Arc::clone(&writes), Arc::clone(&root));
                let answer = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let (service, log) = (service.clone(), Arc::clone(&log));
                    let (writes, root) = (Arc::clone(&writes), Arc::clone(&root));
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
                        let writing = request.method() == hyper::Method::PUT;
                        let fault = log.draw(request.uri().path(), writing);
                        if let Fault::Refuse(status) = fault {
                            return Ok(faults::refusal(status));
                        }
                        if let Fault::Drop(Deed::Undone) = fault {
                            return Err(io::Error::other("the connection is dropped"));
                        }
                        let (parts, body) = request.into_parts();
                        let mut body = s3s::Body::from(body);
                        let whole = body.store_all_limited(64 << 20).await;
                        whole.map_err(io::Error::other)?;
                        // the condition is signed, so that the object goes and not the condition
                        if parts.method == hyper::Method::PUT
                            && log.unconditional.load(Ordering::SeqCst)
                        {
                            let object = root.join(parts.uri.path().trim_start_matches('/'));
                            let _ = std::fs::remove_file(object);
                        }
                        // a client that is gone stops no deed
                        let deed = tokio::spawn(async move {
                            if let Fault::Delay(pause) = fault {
                                tokio::time::sleep(pause).await;
                            }
                            let alone = match parts.method {
                                hyper::Method::GET | hyper::Method::HEAD => None,
                                _ => Some(writes.lock().await),
                            };
                            let response = service.call(Request::from_parts(parts, body)).await;
                            drop(alone);
                            response
                        });
                        let response = deed
                            .await
                            .map_err(io::Error::other)?
                            .map_err(|e| io::Error::other(format!("{e:?}")))?;
                        match fault {
                            Fault::Disown(status) => return Ok(faults::refusal(status)),
                            Fault::Drop(Deed::Done) => {
                                return Err(io::Error::other("the connection is dropped"));
                            }
                            Fault::Linger(pause) => tokio::time::sleep(pause).await,
                            _ => {}
                        }
                        if is_object && response.status().is_success() {
                            let length = response.headers().get("content-length");
                            let length = length.and_then(|l| l.to_str().ok()?.parse().ok());
                            log.bytes.fetch_add(length.unwrap_or(0), Ordering::SeqCst);
                        }
                        Ok::<_, io::Error>(response)
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
