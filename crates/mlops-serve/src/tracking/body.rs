//! Bodies: JSON read whole within a limit, artifacts in and out in pieces, between the network's threads and
//! the storage's.

use std::{
    fmt,
    future::poll_fn,
    io::{self, Read},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, header},
};
use http_body::{Frame, SizeHint};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    time::timeout,
};

use super::failure::{Code, Failure, Outcome};

/// How long a body of JSON, or one piece of another, may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How many pieces wait between the network and the storage.
const PIECES: usize = 8;
/// The size of a piece on its way out.
const PIECE: usize = 128 << 10;

/// Refuses bodies that are compressed, or that say themselves that they are too large.
fn check(headers: &HeaderMap, most: u64) -> Outcome<()> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        return Err(Failure::new(
            Code::UnsupportedMediaType,
            "Compressed bodies are not read",
        ));
    }
    let stated: Option<u64> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if stated.is_some_and(|stated| stated > most) {
        return Err(too_large(most));
    }
    Ok(())
}

fn too_large(most: u64) -> Failure {
    Failure::new(
        Code::TooLarge,
        format!("The body of the request is limited to {most} bytes"),
    )
}

fn broken(reason: &str) -> Failure {
    Failure::new(
        Code::BadRequest,
        format!("The body of the request {reason}"),
    )
}

/// The next piece of a body; `None` is its end.
async fn next(body: &mut Body) -> Outcome<Option<Bytes>> {
    loop {
        let frame = timeout(
            BODY_TIME,
            poll_fn(|context| Pin::new(&mut *body).poll_frame(context)),
        );
        match frame.await {
            Err(_) => return Err(broken("did not arrive in time")),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(broken("broke off")),
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Ok(Some(piece)),
                // trailers say nothing here
                Err(_) => {}
            },
        }
    }
}

/// The whole of a body of JSON.
pub(super) async fn read_all(mut body: Body, headers: &HeaderMap, most: usize) -> Outcome<Vec<u8>> {
    check(headers, most as u64)?;
    let read = async {
        let mut bytes = Vec::new();
        while let Some(piece) = next(&mut body).await? {
            if bytes.len() + piece.len() > most {
                return Err(too_large(most as u64));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    };
    timeout(BODY_TIME, read)
        .await
        .unwrap_or_else(|_| Err(broken("did not arrive in time")))
}

/// The body of an upload, read by a thread that may block.
#[derive(Debug)]
pub(super) struct BodyReader {
    pieces: Receiver<Outcome<Bytes>>,
    piece: Bytes,
    failure: Option<Failure>,
}

impl BodyReader {
    /// Starts to read; called within the runtime.
    pub(super) fn of(mut body: Body, headers: &HeaderMap, most: u64) -> Outcome<Self> {
        check(headers, most)?;
        let (sender, pieces) = channel(PIECES);
        tokio::spawn(async move {
            let mut left = most;
            loop {
                let piece = match next(&mut body).await {
                    Ok(None) => break,
                    Ok(Some(piece)) => match left.checked_sub(piece.len() as u64) {
                        Some(rest) => {
                            left = rest;
                            Ok(piece)
                        }
                        None => Err(too_large(most)),
                    },
                    Err(failure) => Err(failure),
                };
                let last = piece.is_err();
                if sender.send(piece).await.is_err() || last {
                    break;
                }
            }
        });
        Ok(Self {
            pieces,
            piece: Bytes::new(),
            failure: None,
        })
    }

    /// What went wrong with the body, if that is what went wrong.
    pub(super) fn into_failure(self) -> Option<Failure> {
        self.failure
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(failure)) => {
                    self.failure = Some(failure);
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        let length = self.piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

/// A body whose pieces are read by a thread that may block.
struct PieceBody {
    pieces: Receiver<io::Result<Bytes>>,
    left: u64,
}

impl HttpBody for PieceBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(Ok(piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Some(Ok(Frame::data(piece)))
            }
            Some(Err(error)) => Some(Err(error)),
            // an end before the stated size closes the connection, so that the client notices
            None if self.left > 0 => {
                self.left = 0;
                Some(Err(io::ErrorKind::UnexpectedEof.into()))
            }
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl fmt::Debug for PieceBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PieceBody")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// The body that a reader of a stated size fills; called within the runtime.
pub(super) fn from_reader(reader: Box<dyn Read + Send>, size: u64) -> Body {
    let (sender, pieces) = channel(PIECES);
    tokio::task::spawn_blocking(move || fill(reader, &sender));
    Body::new(PieceBody { pieces, left: size })
}

fn fill(mut reader: Box<dyn Read + Send>, sender: &Sender<io::Result<Bytes>>) {
    loop {
        let mut piece = vec![0; PIECE];
        let sent = match reader.read(&mut piece) {
            Ok(0) => return,
            Ok(length) => {
                piece.truncate(length);
                sender.blocking_send(Ok(piece.into()))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::error!(%error, "an artifact broke off");
                let _ = sender.blocking_send(Err(error));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
