//! `+ - * / %`, `& | !` and the functions of expressions as methods.

use std::ops;

use super::expr::{Expr, call, case};

macro_rules! operators {
    ($($trait:ident $method:ident $text:literal;)*) => {$(
        impl<R: Into<Expr>> ops::$trait<R> for Expr {
            type Output = Expr;
            fn $method(self, right: R) -> Expr {
                call($text, [self, right.into()])
            }
        }
        impl ops::$trait<Expr> for i64 {
            type Output = Expr;
            fn $method(self, right: Expr) -> Expr {
                call($text, [self.into(), right])
            }
        }
        impl ops::$trait<Expr> for f64 {
            type Output = Expr;
            fn $method(self, right: Expr) -> Expr {
                call($text, [self.into(), right])
            }
        }
    )*};
}
operators! {
    Add add "+";
    Sub sub "-";
    Mul mul "*";
    Div div "/";
    Rem rem "%";
}

impl ops::Neg for Expr {
    type Output = Self;
    fn neg(self) -> Self {
        call("neg", [self])
    }
}

impl<R: Into<Expr>> ops::BitAnd<R> for Expr {
    type Output = Self;
    fn bitand(self, right: R) -> Self {
        call("and", [self, right.into()])
    }
}

impl<R: Into<Expr>> ops::BitOr<R> for Expr {
    type Output = Self;
    fn bitor(self, right: R) -> Self {
        call("or", [self, right.into()])
    }
}

impl ops::Not for Expr {
    type Output = Self;
    fn not(self) -> Self {
        call("not", [self])
    }
}

macro_rules! unary {
    ($($(#[$doc:meta])* $method:ident = $name:literal;)*) => {
        impl Expr {$(
            $(#[$doc])*
            pub fn $method(self) -> Self {
                call($name, [self])
            }
        )*}
    };
}
unary! {
    /// Whether it is null; never null itself.
    is_null = "is_null";
    /// Whether it is NaN.
    is_nan = "is_nan";
    /// The absolute value.
    abs = "abs";
    /// -1, 0 or 1 in the same type; zeros keep their sign and NaN stays NaN.
    sign = "sign";
    /// The square root; NaN of a negative number.
    sqrt = "sqrt";
    /// The natural logarithm.
    ln = "ln";
    /// The logarithm to base 10.
    log10 = "log10";
    /// e to this power.
    exp = "exp";
    /// The next whole number below, as a real number.
    floor = "floor";
    /// The next whole number above, as a real number.
    ceil = "ceil";
    /// The nearest whole number as a real number, half away from zero.
    round = "round";
    /// As a whole number; of a real number that is not whole, an error.
    to_int = "int";
    /// As a real number, the nearest one.
    to_float = "float";
    /// As a text that reads back as the same value.
    to_text = "text";
    /// As a boolean: of 0 and 1, `true` and `false`.
    to_bool = "bool";
    /// As an instant, of an RFC 3339 text.
    to_time = "time";
    /// As [`to_int`](Self::to_int), but null in place of an error.
    try_int = "try_int";
    /// As [`to_float`](Self::to_float), but null in place of an error.
    try_float = "try_float";
    /// In lower case.
    lower = "lower";
    /// In upper case.
    upper = "upper";
    /// Without white space at both ends.
    trim = "trim";
    /// The number of characters.
    length = "length";
    /// Whole seconds since 1970.
    unix_seconds = "unix_seconds";
}

macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident = $name:literal;)*) => {
        impl Expr {$(
            $(#[$doc])*
            pub fn $method(self, other: impl Into<Expr>) -> Self {
                call($name, [self, other.into()])
            }
        )*}
    };
}
binary! {
    /// Whether both are equal.
    equals = "=";
    /// Whether they differ.
    differs = "!=";
    /// Whether it is less.
    less_than = "<";
    /// Whether it is less or equal.
    at_most = "<=";
    /// Whether it is greater.
    greater_than = ">";
    /// Whether it is greater or equal.
    at_least = ">=";
    /// The other where this is null.
    fill_null = "coalesce";
    /// Null where both are equal, else this.
    nullif = "nullif";
    /// The smaller of both; nulls are passed over.
    min = "min";
    /// The larger of both; nulls are passed over.
    max = "max";
    /// This to the power of the other, of real numbers.
    pow = "pow";
    /// The quotient of whole numbers, cut towards zero; null by zero.
    quotient = "div";
    /// The nearest number with so many digits after the point, half away from zero.
    round_to = "round";
    /// This text and the other after it.
    concat = "concat";
    /// Whether the text contains the other.
    contains = "contains";
    /// Whether the text begins with the other.
    starts_with = "starts_with";
    /// Whether the text ends with the other.
    ends_with = "ends_with";
    /// From this instant to the other, in seconds.
    seconds_until = "seconds_between";
    /// From this instant to the other, in days of 24 hours.
    days_until = "days_between";
    /// So many seconds later.
    add_seconds = "add_seconds";
    /// So many days of 24 hours later.
    add_days = "add_days";
}

impl Expr {
    /// No less than `low` and no more than `high`; NaN stays NaN.
    pub fn clip(self, low: impl Into<Self>, high: impl Into<Self>) -> Self {
        call("clip", [self, low.into(), high.into()])
    }

    /// Whether it is from `low` to `high`, both included.
    pub fn between(self, low: impl Into<Self>, high: impl Into<Self>) -> Self {
        self.clone().at_least(low) & self.at_most(high)
    }

    /// This by the other, or the default where either is null or the other is zero.
    pub fn ratio(self, by: impl Into<Self>, default: impl Into<Self>) -> Self {
        call("ratio", [self, by.into(), default.into()])
    }

    /// Whether it is one of some constants.
    pub fn in_list<V: Into<Self>>(self, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into);
        call("in", std::iter::once(self).chain(values))
    }

    /// The number of edges at or below the value: 0 below the first, the number of edges from the last on.
    pub fn bucketize<V: Into<Self>>(self, edges: impl IntoIterator<Item = V>) -> Self {
        let edges = edges.into_iter().map(Into::into);
        call("bucketize", std::iter::once(self).chain(edges))
    }

    /// XXH64 of the value modulo so many buckets.
    pub fn hash_bucket(self, buckets: u32) -> Self {
        call("hash_bucket", [self, i64::from(buckets).into()])
    }

    /// So many characters from `start` on, which counts from 1.
    pub fn substring(self, start: impl Into<Self>, length: impl Into<Self>) -> Self {
        call("substring", [self, start.into(), length.into()])
    }

    /// With every `from` replaced by `to`.
    pub fn replace(self, from: impl Into<Self>, to: impl Into<Self>) -> Self {
        call("replace", [self, from.into(), to.into()])
    }

    /// The part between separators, counted from 1, or from the end if negative; null if there is none.
    pub fn split_part(self, separator: impl Into<Self>, part: impl Into<Self>) -> Self {
        call("split_part", [self, separator.into(), part.into()])
    }

    /// A part of the date or the time of day in a zone: `year`, `quarter`, `month`, `week`, `day`,
    /// `day_of_year`, `weekday` (Monday is 1), `hour`, `minute` or `second`.
    pub fn part(self, part: &str, zone: &str) -> Self {
        call(part.to_owned(), [self, zone.into()])
    }

    /// The beginning of the `year`, `quarter`, `month`, `week`, `day`, `hour`, `minute` or `second` in a zone.
    pub fn truncate(self, unit: &str, zone: &str) -> Self {
        call("truncate", [self, unit.into(), zone.into()])
    }

    /// This where the condition is true, else null.
    pub fn only_when(self, condition: Self) -> Self {
        case([(condition, self)], None)
    }
}
