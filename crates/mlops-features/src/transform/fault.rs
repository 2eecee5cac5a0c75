//! What can go wrong in one row of a transform.

use mlops_core::EventTime;

/// The longest text in bytes that a function may make.
pub(crate) const MAX_TEXT: usize = 1 << 20;

/// The reason why one row has no value, and not even null.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// A whole number left 64 bits.
    Overflow(&'static str),
    /// A value cannot become another type.
    Cast { value: String, wanted: &'static str },
    /// An instant left the printable range.
    Time(&'static str),
    /// A function would make a text that is longer than [`MAX_TEXT`].
    TextTooLong,
    /// A user's function refused, panicked or answered in another type.
    User { function: String, reason: String },
}

impl Fault {
    pub(crate) fn cast(value: impl std::fmt::Display, wanted: &'static str) -> Self {
        let value = value.to_string().chars().take(64).collect();
        Self::Cast { value, wanted }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Overflow(what) => write!(f, "{what} overflows 64 bits"),
            Self::Cast { value, wanted } => write!(f, "`{value}` cannot become {wanted}"),
            Self::Time(what) => write!(
                f,
                "{what} leaves the years from {} to {}",
                &EventTime::MIN.to_string()[..7],
                &EventTime::MAX.to_string()[..4]
            ),
            Self::TextTooLong => write!(f, "a text would be longer than {MAX_TEXT} bytes"),
            Self::User { function, reason } => write!(f, "function `{function}` {reason}"),
        }
    }
}
