//! What the server does wrong by chance, the same for the same seed and order of requests.

use std::time::Duration;

use hyper::{Response, StatusCode};

/// How often, where and how the server misbehaves.
#[derive(Debug, Clone)]
pub struct Faults {
    state: u64,
    percent: u64,
    below: String,
    pause: Duration,
}

/// Whether a request was done before it went wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Done,
    Undone,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// It is not done, and a status says so.
    Refuse(StatusCode),
    /// It is done, and the status says that it is not.
    Disown(StatusCode),
    /// There is no answer.
    Drop(Deed),
    /// It is done late, whether the client waits or not.
    Delay(Duration),
    /// It is done at once and answered late.
    Linger(Duration),
}

impl Faults {
    /// So many of a hundred requests to paths with this part go wrong; the slow ones take this long.
    pub fn new(seed: u64, percent: u64, part: &str, pause: Duration) -> Self {
        Self {
            state: seed,
            percent,
            below: part.to_owned(),
            pause,
        }
    }

    pub(crate) fn draw(&mut self, path: &str, writes: bool) -> Fault {
        if !path.contains(&self.below) || self.next() % 100 >= self.percent {
            return Fault::None;
        }
        match self.next() % 10 {
            // no condition, no conflict
            2 | 4 | 5 if !writes => Fault::Refuse(StatusCode::BAD_GATEWAY),
            0 => Fault::Refuse(StatusCode::INTERNAL_SERVER_ERROR),
            1 => Fault::Refuse(StatusCode::SERVICE_UNAVAILABLE),
            // ConditionalRequestConflict: nothing is there
            2 => Fault::Refuse(StatusCode::CONFLICT),
            3 => Fault::Disown(StatusCode::INTERNAL_SERVER_ERROR),
            4 => Fault::Disown(StatusCode::CONFLICT),
            // the first try of a proxy was done, and its second is answered
            5 => Fault::Disown(StatusCode::PRECONDITION_FAILED),
            6 => Fault::Drop(Deed::Undone),
            7 => Fault::Drop(Deed::Done),
            8 => Fault::Delay(self.pause),
            _ => Fault::Linger(self.pause),
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// An answer with a status and the body that S3 sends with it.
pub(crate) fn refusal(status: StatusCode) -> Response<s3s::Body> {
    let code = match status {
        StatusCode::CONFLICT => "ConditionalRequestConflict",
        StatusCode::PRECONDITION_FAILED => "PreconditionFailed",
        StatusCode::SERVICE_UNAVAILABLE => "SlowDown",
        _ => "InternalError",
    };
    let body = format!("<Error><Code>{code}</Code><Message>injected</Message></Error>");
    let mut response = Response::new(s3s::Body::from(body));
    *response.status_mut() = status;
    response
}
