//! Lanes that are used again, so that a window of an online read costs no allocation.

use super::Lane;
use crate::{FieldKind, plan::Stream};

/// A lane that has had more events gives its room back.
const ROOM: usize = 1 << 16;

/// Room for the events of any stream.
#[derive(Debug)]
pub(crate) struct Lanes {
    real: Lane,
    whole: Lane,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            real: Lane::of(Some(FieldKind::Float)),
            whole: Lane::of(None),
        }
    }
}

impl Lanes {
    /// A lane for a stream, to be filled.
    pub(crate) fn of(&mut self, stream: &Stream) -> &mut Lane {
        let lane = match stream.field {
            Some((_, FieldKind::Float)) => &mut self.real,
            _ => &mut self.whole,
        };
        if lane.times.capacity() > ROOM {
            *lane = Lane::new(stream);
        } else {
            lane.turn_to(stream);
        }
        lane
    }
}
