//! How something is to be taken: good, worth a look, bad, or neither.

/// The judgement that a colour, a mark and a word carry together, so that colour is never alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Tone {
    /// No judgement.
    #[default]
    Neutral,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Bad,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Neutral => "i",
            Self::Good => "✓",
            Self::Warn => "!",
            Self::Bad => "✕",
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Neutral => "Note",
            Self::Good => "Good",
            Self::Warn => "Warning",
            Self::Bad => "Problem",
        }
    }
}
