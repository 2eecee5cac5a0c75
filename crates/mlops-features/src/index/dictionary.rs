//! Texts as small numbers: each different text of a field is stored once.

use std::{collections::HashMap, sync::Arc};

/// Codes in order of arrival; they are an encoding and never show outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dictionary {
    codes: HashMap<Arc<str>, u32>,
    words: Vec<Arc<str>>,
}

impl Dictionary {
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Forgets all texts and keeps the room that they took.
    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.words.clear();
    }

    /// The code of a text that is known.
    pub(crate) fn get(&self, word: &str) -> Option<u32> {
        self.codes.get(word).copied()
    }

    /// The code of a text, a new one if it has none.
    pub(crate) fn insert(&mut self, word: &str) -> u32 {
        if let Some(code) = self.get(word) {
            return code;
        }
        let code = u32::try_from(self.words.len()).expect("memory ends before 2^32 texts");
        let word: Arc<str> = word.into();
        self.words.push(Arc::clone(&word));
        self.codes.insert(word, code);
        code
    }

    /// A dictionary of the texts that these codes name, which become codes of it.
    pub(crate) fn only(&self, codes: &mut [u32], valid: Option<&[bool]>) -> Self {
        let mut only = Self::default();
        for (row, code) in codes.iter_mut().enumerate() {
            if valid.is_none_or(|valid| valid[row]) {
                *code = only.insert(self.word(*code));
            } else {
                *code = 0;
            }
        }
        only
    }

    /// The text of a code.
    pub(crate) fn word(&self, code: u32) -> &str {
        &self.words[code as usize]
    }
}
