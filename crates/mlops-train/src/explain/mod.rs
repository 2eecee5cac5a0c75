//! Why a model answers what it answers: what each input adds to an answer, what the metric loses without
//! it, and how the answer moves with it.
//!
//! | question | function | takes |
//! | --- | --- | --- |
//! | why this answer | [`TreeShap`] | trees |
//! | which inputs matter | [`permutation_importance`] | any model |
//! | how does the answer move with an input | [`partial_dependence`], [`individual_curves`] | any model |
//! | where is the model good and bad | [`segments`] | any model |

mod dependence;
mod grid;
mod parts;
mod permutation;
mod segment;
mod shap;

pub use dependence::{Dependence, IndividualCurves, individual_curves, partial_dependence};
pub use grid::Grid;
pub use permutation::{InputImportance, PermutationImportance, permutation_importance};
pub use segment::{Segment, SegmentOptions, Segments, segments};
pub use shap::{Explanation, TreeShap};
