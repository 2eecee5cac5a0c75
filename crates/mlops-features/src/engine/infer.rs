//! The type of a column of texts by its values: the narrowest of boolean, whole number, real number, date
//! and instant that every value has, else text.

use arrow::datatypes::{DataType, TimeUnit};

use super::time::parse_instant;

/// What the values so far leave possible.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of one type whether it is still possible"
)]
pub(crate) struct Inference {
    any: bool,
    bools: bool,
    wholes: bool,
    reals: bool,
    dates: bool,
    instants: bool,
    fine: bool,
    /// Every value is a whole number with `.0` behind it.
    floated: bool,
}

impl Inference {
    pub(crate) const NEW: Self = Self {
        any: false,
        bools: true,
        wholes: true,
        reals: true,
        dates: true,
        instants: true,
        fine: false,
        floated: true,
    };

    /// Takes a value; an empty text is none.
    pub(crate) fn see(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.any = true;
        if self.bools {
            self.bools = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
        }
        if self.wholes {
            self.wholes = is_whole(text);
        }
        if self.reals && !self.wholes {
            self.reals = !has_leading_zero(text) && text.parse::<f64>().is_ok();
        }
        if self.floated {
            self.floated = text.strip_suffix(".0").is_some_and(is_whole);
        }
        if self.dates || self.instants {
            if let Some((_, nanos)) = parse_instant(text) {
                self.dates &= text.len() == 10;
                self.fine |= nanos % 1_000 != 0;
            } else {
                (self.dates, self.instants) = (false, false);
            }
        }
    }

    /// Whether the values are whole numbers, or would be but for nulls that made reals of them.
    pub(super) fn is_whole(self) -> bool {
        self.any && (self.wholes || self.floated)
    }

    /// The type of all values seen.
    pub(crate) fn data_type(self) -> DataType {
        let unit = if self.fine {
            TimeUnit::Nanosecond
        } else {
            TimeUnit::Microsecond
        };
        match self {
            Self { any: false, .. } => DataType::Utf8,
            Self { bools: true, .. } => DataType::Boolean,
            Self { wholes: true, .. } => DataType::Int64,
            Self { reals: true, .. } => DataType::Float64,
            Self { dates: true, .. } => DataType::Date32,
            Self { instants: true, .. } => DataType::Timestamp(unit, Some("UTC".into())),
            _ => DataType::Utf8,
        }
    }
}

/// Whether a text is a number of 64 bits as it would be printed: `007` is a text, a postcode perhaps.
pub(super) fn is_whole(text: &str) -> bool {
    !has_leading_zero(text) && !text.starts_with('+') && text.parse::<i64>().is_ok()
}

fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_narrowest_type_that_fits_all() {
        let check = |texts: &[&str], expect: DataType| {
            let mut seen = Inference::NEW;
            for text in texts {
                seen.see(text);
            }
            assert_eq!(seen.data_type(), expect, "{texts:?}");
        };
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        check(&["1", "", "-20"], DataType::Int64);
        check(&["1", "2.5", "1e9"], DataType::Float64);
        check(&["9223372036854775808"], DataType::Float64);
        check(&["007", "12"], DataType::Utf8);
        check(&["0.5", "0"], DataType::Float64);
        check(&["true", "False"], DataType::Boolean);
        check(&["2024-01-31", "2024-02-01"], DataType::Date32);
        check(&["2024-01-31", "2024-02-01 12:00:00"], micros);
        check(&["2024-01-31", "x"], DataType::Utf8);
        check(&["", ""], DataType::Utf8);
    }
}
