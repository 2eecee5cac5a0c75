//! Room for decoded states, used again by all reads of a thread.

use std::cell::RefCell;

use hashbrown::HashMap;
use mlops_core::Digest;

use super::{
    OnlineTable, StoreKey,
    codec::{Damage, Question, stamp},
    state::KeyState,
};
use crate::index::ViewIndex;

/// Room for decoded states, one a view, used again by all reads of a thread.
#[derive(Default)]
pub(super) struct Buffers(Vec<Buffer>);

pub(super) struct Buffer {
    pub(super) view: Digest,
    pub(super) few: KeyState,
    pub(super) many: Decoded,
    /// An index without rows that holds the texts of a state.
    pub(super) texts: ViewIndex,
}

/// What tells two versions of a state apart: its stamp, its length, and how many tilings were decoded.
type Mark = (u64, usize, usize);

/// States with tiles, decoded.
#[derive(Default)]
pub(super) struct Decoded {
    states: HashMap<StoreKey, (Mark, KeyState)>,
    rows: usize,
}

/// So many rows of decoded states are kept by a thread for a view.
const ROWS: usize = 1 << 20;

impl Decoded {
    fn put(&mut self, key: &StoreKey, mark: Mark, state: KeyState) {
        self.rows += state.ordinals.len();
        if let Some((_, old)) = self.states.remove(key) {
            self.rows -= old.ordinals.len();
        }
        if self.rows > ROWS {
            self.states.clear();
            self.rows = state.ordinals.len();
        }
        self.states.insert(key.clone(), (mark, state));
    }
}

/// More views than that and the oldest room is given up.
const VIEWS: usize = 16;

impl Buffers {
    pub(super) fn of(&mut self, table: &OnlineTable) -> &mut Buffer {
        let view = table.view().digest();
        let at = self.0.iter().position(|buffer| buffer.view == view);
        let at = at.unwrap_or_else(|| {
            if self.0.len() >= VIEWS {
                self.0.remove(0);
            }
            self.0.push(Buffer {
                view,
                few: KeyState::new(table.view()),
                many: Decoded::default(),
                texts: ViewIndex::new(table.view().clone()),
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}

thread_local! {
    pub(super) static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// The state that bytes hold, or what a question sees of it; one with tiles is decoded as a whole, and once for as
/// long as it stays the same.
pub(super) fn decoded<'a>(
    many: &'a mut Decoded,
    few: &'a mut KeyState,
    table: &OnlineTable,
    question: &Question<'_>,
    key: &StoreKey,
    bytes: &[u8],
) -> Result<&'a KeyState, Damage> {
    let Some(stamp) = stamp(bytes) else {
        few.decode(table.view(), table.tilings(), Some(question), bytes)?;
        return Ok(few);
    };
    let mark = (stamp, bytes.len(), table.tilings().len());
    if many.states.get(key).is_none_or(|(known, _)| *known != mark) {
        let mut state = KeyState::new(table.view());
        state.decode(table.view(), table.tilings(), None, bytes)?;
        many.put(key, mark, state);
    }
    Ok(&many.states[key].1)
}
