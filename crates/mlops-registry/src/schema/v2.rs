//! The second migration: everything of a model that MLflow's clients and a sign-off need, and audit entries
//! that hold their change in full.
//!
//! From here on an audit entry tells the whole change (`change`, with format 2), so that the trail alone leads
//! to the state. What entries of format 1 did not tell is taken over once, for each model, as an entry that
//! holds the model as the tables had it.

pub(super) const SQL: &str = "
ALTER TABLE model ADD COLUMN folded TEXT NOT NULL DEFAULT '';
ALTER TABLE model ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE model ADD COLUMN updated_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN deleted_us INTEGER;
ALTER TABLE model ADD COLUMN head INTEGER NOT NULL DEFAULT 0;
UPDATE model SET updated_us = created_us,
    head = coalesce((SELECT max(id) FROM audit WHERE audit.model = model.name), 0);
CREATE INDEX model_by_folded_name ON model (folded);

CREATE TABLE model_former_name (
    model_id INTEGER NOT NULL REFERENCES model (id),
    until INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (model_id, until)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_tag (
    model_id INTEGER NOT NULL REFERENCES model (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) STRICT, WITHOUT ROWID;

ALTER TABLE model_version ADD COLUMN run_uid TEXT;
ALTER TABLE model_version ADD COLUMN content TEXT NOT NULL DEFAULT 'package'
    CHECK (content IN ('package', 'tree', 'source'));
ALTER TABLE model_version ADD COLUMN source TEXT;
ALTER TABLE model_version ADD COLUMN logged_model TEXT;
ALTER TABLE model_version ADD COLUMN parent_model TEXT;
ALTER TABLE model_version ADD COLUMN parent_version INTEGER;
ALTER TABLE model_version ADD COLUMN status TEXT NOT NULL DEFAULT 'READY'
    CHECK (status IN ('PENDING_REGISTRATION', 'READY', 'FAILED_REGISTRATION'));
ALTER TABLE model_version ADD COLUMN updated_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE model_version ADD COLUMN deleted_us INTEGER;
UPDATE model_version SET updated_us = created_us,
    run_uid = (SELECT uid FROM run WHERE run.id = run_id);
CREATE INDEX version_of_run ON model_version (run_uid) WHERE run_uid IS NOT NULL;

CREATE TABLE version_tag (
    model_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, version, key),
    FOREIGN KEY (model_id, version) REFERENCES model_version (model_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE transition_request (
    model_id INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    version INTEGER NOT NULL,
    to_stage TEXT NOT NULL,
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_us INTEGER NOT NULL,
    expires_us INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (model_id, number),
    FOREIGN KEY (model_id, version) REFERENCES model_version (model_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    set_us INTEGER NOT NULL,
    set_by TEXT NOT NULL
) STRICT;

ALTER TABLE audit ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN change TEXT;
";
