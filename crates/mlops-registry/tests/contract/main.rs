//! The contract of the registry, clause by clause, through its public API and on real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod aliases;
mod audit;
mod crash;
mod fixture;
mod golden;
mod governance;
mod models;
mod opening;
mod promotion;
mod races;
mod tracking;
mod versions;
