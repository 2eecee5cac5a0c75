//! The few texts of one field of one entity, in one buffer.

/// Texts by small numbers, in order of arrival.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    text: String,
    ends: Vec<usize>,
}

impl Words {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The texts in the order of their codes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.text[start..*end])
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// The text of a code.
    pub(crate) fn get(&self, code: u32) -> &str {
        let code = code as usize;
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[code]]
    }

    /// A new text; its code.
    pub(crate) fn push(&mut self, word: &str) -> u32 {
        self.text.push_str(word);
        self.ends.push(self.text.len());
        u32::try_from(self.ends.len() - 1).expect("memory ends before 2^32 texts")
    }

    /// The code of a text, a new one if it has none.
    ///
    /// # Complexity
    /// Linear in the different texts of one field of one entity, which are few.
    pub(crate) fn find_or_push(&mut self, word: &str) -> u32 {
        let codes = 0..u32::try_from(self.len()).expect("memory ends before 2^32 texts");
        let mut codes = codes.into_iter();
        match codes.find(|code| self.get(*code) == word) {
            Some(code) => code,
            None => self.push(word),
        }
    }
}
