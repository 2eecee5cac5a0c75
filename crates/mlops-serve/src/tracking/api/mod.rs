//! What the routes do, a file for each family, and the table of them all.

mod system;

use super::route::Route;

/// Every route there is.
pub(super) const TABLE: &[&[Route]] = &[system::ROUTES];
