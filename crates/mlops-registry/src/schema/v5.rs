//! Webhooks are told from the trail: how far each chain of it was told, and secrets that are encrypted. And logged
//! models know the versions that were made from them, and artifacts come in parts.
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

CREATE TABLE multipart_upload (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('run', 'model')),
    owner TEXT NOT NULL,
    path TEXT NOT NULL,
    parts INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    completed TEXT
) STRICT;
CREATE INDEX multipart_upload_by_uid ON multipart_upload (uid);
CREATE TABLE multipart_part (
    upload_id INTEGER NOT NULL REFERENCES multipart_upload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;
";
