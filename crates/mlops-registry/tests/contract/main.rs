//! The contract of the registry, clause by clause, through its public API and on real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod aliases;
mod audit;
mod crash;
mod crash_models;
mod fixture;
mod golden;
mod governance;
mod identity;
mod migration;
mod models;
mod opening;
mod oracle;
mod promotion;
mod races;
mod renames;
mod run_logs;
mod run_logs_format;
mod run_logs_oracle;
mod tracking;
mod trail;
mod uploads;
mod versions;
mod webhooks;
mod writers;
