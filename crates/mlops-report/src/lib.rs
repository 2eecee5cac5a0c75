//! Reports that last: one HTML file with tables and charts, no scripts, nothing fetched. Sites of such pages, too.
//!
//! ```
//! use mlops_report::{Callout, DataTable, LineChart, Page, Section, Series, Tone};
//!
//! let drift = LineChart::new("Drift of `recency_days`")
//!     .y_label("PSI")
//!     .series(Series::new("PSI", [(1.0, 0.02), (2.0, 0.05), (3.0, 0.31)]))
//!     .limit("limit", 0.2);
//! let section = Section::new()
//!     .add(Callout::new(Tone::Bad, "Drift in month 3.", "The model was retrained."))
//!     .add(drift)
//!     .add(DataTable::new("Models").text_column("Model").number_column("PR-AUC")
//!         .row(["boosting".into(), 0.712.into()]));
//! let html = Page::new("Churn").section("Monitoring", section).render();
//!
//! assert_eq!(html.matches("<svg").count(), 2); // one for a wide page, one for a phone
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! Page ── Section ── Block ◀─┬─ DataTable ── Cell ── Sparkline
//!            │               ├─ Callout
//!            └─ Card         └─ LineChart ── Series · CurveChart · HistogramPair · BarChart · Timeline
//! ```
//!
//! - [`Page`]: the document; [`Page::render`] gives the bytes.
//! - [`Section`]: blocks in order, next to each other with [`Section::side_by_side`].
//! - [`DataTable`] and [`Cell`]: aligned and bounded tables with highlighted cells.
//! - [`LineChart`], [`CurveChart`], [`HistogramPair`], [`BarChart`], [`Timeline`], [`Sparkline`]; [`ScatterChart`]
//!   and [`ParallelChart`] for many things with several values each.
//! - [`Link`], [`Address`] and [`Form`]: for a server whose pages lead to each other.
//! - [`Tone`]: good, worth a look or bad, by colour and by mark.
//!
//! # Recipes
//!
//! Two models on one ROC chart, beside their calibration:
//!
//! ```
//! use mlops_report::{CurveChart, Page, Section};
//!
//! let roc = CurveChart::roc("ROC").curve("boosting", [(0.0, 0.0), (0.1, 0.7), (1.0, 1.0)]);
//! let calibration = CurveChart::calibration("Calibration").curve("boosting", [(0.1, 0.12), (0.8, 0.77)]);
//! let page = Page::new("Evaluation")
//!     .section("Curves", Section::new().side_by_side([roc.into(), calibration.into()]));
//! assert!(page.render().starts_with("<!doctype html>"));
//! ```
//!
//! # What every page keeps to
//!
//! - Self-contained: the content security policy in its head forbids scripts and outside resources.
//! - Every text that is handed in is escaped; control characters and direction marks are replaced.
//! - The same calls give the same bytes. No clock is read: state the date with [`Page::footer`].
//! - Light and dark by the reader's setting; laid out for a phone, a desk and paper.
//! - Charts have a title and a description in words, tables have headed columns and rows.
//! - Values that are not numbers break a line or leave a bar out, never the page.
//!
//! # What this crate does not do
//!
//! It knows no model and no drift report, draws nothing interactive and writes no file.
//!
//! # Errors
//!
//! There are none: whatever goes in, a page comes out.

mod block;
mod cell;
mod chart;
mod escape;
mod form;
pub mod format;
mod link;
mod page;
mod table;
mod tone;

pub use block::{Block, Callout, Card, Section};
pub use cell::Cell;
pub use chart::{
    BarChart, CurveChart, HistogramPair, LineChart, ParallelChart, ScatterChart, Series, Sparkline,
    Timeline, X,
};
pub use form::Form;
pub use link::{Address, Link};
pub use page::Page;
pub use table::DataTable;
pub use tone::Tone;
