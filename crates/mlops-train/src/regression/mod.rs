//! Linear models of a number: least squares with or without a penalty on squares, and the elastic net.
//!
//! Numbers are imputed, scaled and, where skewed, put through a logarithm; texts are one-hot. Both trainers
//! solve for centred columns, so that the bias is never penalised.

mod design;
mod elastic_net;
mod least_squares;

pub use elastic_net::{ElasticNet, ElasticNetBuilder};
pub(crate) use least_squares::line;
pub use least_squares::{LinearRegression, LinearRegressionBuilder};
