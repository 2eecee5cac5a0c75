//! Webhooks are told from the trail: how far each chain of it was told, and secrets that are encrypted. And logged
//! models know the versions that were made from them.
//!
//! What is in the trail already was told when it happened, so that the telling goes on from its end. Secrets in the
//! clear stay in their old column until somebody opens the registry with a key.

pub(crate) const SQL: &str = "
CREATE TABLE webhook_cursor (
    chain TEXT PRIMARY KEY,
    place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO webhook_cursor (chain, place) SELECT '', coalesce(max(id), 0) FROM audit;

ALTER TABLE webhook ADD COLUMN sealed BLOB;

CREATE INDEX version_of_logged_model ON model_version (logged_model) WHERE logged_model IS NOT NULL;
";
