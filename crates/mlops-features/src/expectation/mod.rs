//! Expectations: what must hold for a table or for each of its rows.
//!
//! One file a rule. A rule on rows answers with every row that breaks it; a rule on the table as a whole
//! answers with what it saw. Nulls are left to [`Expectation::not_null`]: the other rules on
//! rows skip them, as SQL checks and Great Expectations do.
//!
//! Beside the rules: `live` has the loops over rows, `values` the columns by kind, `intern`, `distinct` and `group` the
//! codes of distinct values.

mod check;
mod columns;
mod comparison;
mod condition;
mod distinct;
mod distinct_set;
mod distribution;
mod frequent;
mod group;
mod intern;
mod length;
mod limit;
mod live;
mod moments;
mod newest;
mod not_future;
mod not_null;
mod null;
mod of_type;
mod on_rows;
mod on_table;
mod order;
mod pair;
mod part;

mod pattern;
mod quantile;
mod range;
mod reference;
mod row_count;
mod rule;
mod seen;
mod set;
mod shares;
mod statistic;
mod sum;
mod summary;
mod time_range;
mod unique;
mod values;
mod z_score;

pub use comparison::Comparison;
pub use condition::Condition;
pub use distinct_set::SetRelation;
pub use distribution::Distance;
pub use limit::Limit;
pub use of_type::Kind;
pub use order::Direction;
pub use pair::Nulls;
pub use rule::{Expectation, OnFailure};
pub use shares::Shares;
pub use statistic::Statistic;

pub(crate) use check::{Cache, Context, Outcome};
pub(crate) use frequent::frequent;
pub(crate) use summary::{ColumnSummary, Span64, summary};
