//! Migration 3: tracking as MLflow's clients know it, in tables that are fast to write and to search.
//!
//! Runs get a lifecycle, a user, a parent and a heartbeat. Points of metrics are narrow rows under
//! numbered keys, and the latest point of each metric lies beside them, indexed by value. Params and
//! tags are indexed by value. Datasets, outputs and logged models are new.
//!
//! It runs with foreign keys off, because it makes the table `run` anew under its old name.

/// The name and the parent of a run follow its tags, whoever writes them.
pub(super) const V3: &str = "
ALTER TABLE experiment ADD COLUMN artifact_location TEXT;
ALTER TABLE experiment ADD COLUMN updated_us INTEGER;
ALTER TABLE experiment ADD COLUMN deleted_us INTEGER;
UPDATE experiment SET updated_us = created_us;
UPDATE run SET experiment_id = 0
    WHERE experiment_id = (SELECT id FROM experiment WHERE name = 'Default');
UPDATE experiment SET id = 0 WHERE name = 'Default';
INSERT INTO experiment (id, name, created_us, created_by, updated_us)
    VALUES (0, 'Default', 0, 'mlops', 0) ON CONFLICT DO NOTHING;

CREATE TABLE experiment_tag (
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (experiment_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_new (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('running', 'scheduled', 'finished', 'failed', 'killed')),
    started_us INTEGER NOT NULL,
    started_by TEXT NOT NULL,
    ended_us INTEGER,
    user TEXT NOT NULL,
    parent TEXT,
    beat_us INTEGER,
    deleted_us INTEGER,
    deleted INTEGER NOT NULL GENERATED ALWAYS AS (deleted_us IS NOT NULL) VIRTUAL
) STRICT;
INSERT INTO run_new (id, uid, experiment_id, name, status, started_us, started_by, ended_us, user, parent)
    SELECT id, uid, experiment_id, name, status, started_us, started_by, ended_us, started_by,
        (SELECT value FROM tag WHERE run_id = run.id AND key = 'mlflow.parentRunId')
    FROM run;
DROP TABLE run;
ALTER TABLE run_new RENAME TO run;
CREATE INDEX run_of_experiment ON run (experiment_id, id);
CREATE INDEX run_by_start ON run (experiment_id, deleted, started_us, uid);
CREATE INDEX run_by_parent ON run (parent) WHERE parent IS NOT NULL;
CREATE INDEX run_by_beat ON run (beat_us) WHERE status = 'running' AND beat_us IS NOT NULL;

CREATE INDEX param_by_value ON param (key, value);
CREATE INDEX tag_by_value ON tag (key, value);
CREATE TRIGGER tag_names_run AFTER INSERT ON tag
    WHEN NEW.key IN ('mlflow.runName', 'mlflow.parentRunId') BEGIN
    UPDATE run SET name = NEW.value WHERE id = NEW.run_id AND NEW.key = 'mlflow.runName';
    UPDATE run SET parent = NEW.value WHERE id = NEW.run_id AND NEW.key = 'mlflow.parentRunId';
END;
CREATE TRIGGER tag_renames_run AFTER UPDATE ON tag
    WHEN NEW.key IN ('mlflow.runName', 'mlflow.parentRunId') BEGIN
    UPDATE run SET name = NEW.value WHERE id = NEW.run_id AND NEW.key = 'mlflow.runName';
    UPDATE run SET parent = NEW.value WHERE id = NEW.run_id AND NEW.key = 'mlflow.parentRunId';
END;
CREATE TRIGGER tag_frees_run AFTER DELETE ON tag WHEN OLD.key = 'mlflow.parentRunId' BEGIN
    UPDATE run SET parent = NULL WHERE id = OLD.run_id;
END;

CREATE TABLE metric_key (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO metric_key (key) SELECT DISTINCT key FROM metric ORDER BY key;

CREATE TABLE metric_point (
    run_id INTEGER NOT NULL REFERENCES run (id),
    key_id INTEGER NOT NULL REFERENCES metric_key (id),
    step INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    is_nan INTEGER NOT NULL CHECK (is_nan IN (0, 1)),
    value REAL NOT NULL,
    PRIMARY KEY (run_id, key_id, step, time_us, is_nan, value)
) STRICT, WITHOUT ROWID;
INSERT INTO metric_point
    SELECT m.run_id, k.id, m.step, m.time_us, m.is_nan, m.value
    FROM metric m JOIN metric_key k ON k.key = m.key;
DROP TABLE metric;

CREATE TABLE metric_latest (
    run_id INTEGER NOT NULL REFERENCES run (id),
    key_id INTEGER NOT NULL REFERENCES metric_key (id),
    step INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    is_nan INTEGER NOT NULL CHECK (is_nan IN (0, 1)),
    value REAL NOT NULL,
    PRIMARY KEY (run_id, key_id)
) STRICT, WITHOUT ROWID;
INSERT INTO metric_latest
    SELECT run_id, key_id, step, time_us, is_nan, value FROM (
        SELECT *, row_number() OVER (
            PARTITION BY run_id, key_id
            ORDER BY step DESC, time_us DESC, is_nan DESC, value DESC
        ) AS place FROM metric_point
    ) WHERE place = 1;
CREATE INDEX metric_by_value ON metric_latest (key_id, is_nan, value);

CREATE VIEW metric (run_id, key, step, time_us, is_nan, value) AS
    SELECT p.run_id, k.key, p.step, p.time_us, p.is_nan, p.value
    FROM metric_point p JOIN metric_key k ON k.id = p.key_id;

CREATE TABLE dataset (
    id INTEGER PRIMARY KEY,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source TEXT NOT NULL,
    schema TEXT,
    profile TEXT,
    UNIQUE (experiment_id, name, digest)
) STRICT;
CREATE TABLE run_input (
    run_id INTEGER NOT NULL REFERENCES run (id),
    dataset_id INTEGER NOT NULL REFERENCES dataset (id),
    PRIMARY KEY (run_id, dataset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX input_of_dataset ON run_input (dataset_id);
CREATE TABLE run_input_tag (
    run_id INTEGER NOT NULL,
    dataset_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, dataset_id, key),
    FOREIGN KEY (run_id, dataset_id) REFERENCES run_input (run_id, dataset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX input_by_tag ON run_input_tag (key, value);

CREATE TABLE logged_model (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    model_type TEXT,
    status TEXT NOT NULL CHECK (status IN ('pending', 'ready', 'failed')),
    source_run TEXT,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_us INTEGER NOT NULL,
    deleted_us INTEGER
) STRICT;
CREATE INDEX logged_model_of_experiment ON logged_model (experiment_id, created_us, uid);
CREATE TABLE logged_model_param (
    model_id INTEGER NOT NULL REFERENCES logged_model (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE logged_model_tag (
    model_id INTEGER NOT NULL REFERENCES logged_model (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model_id, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE logged_model_metric (
    model_id INTEGER NOT NULL REFERENCES logged_model (id),
    key_id INTEGER NOT NULL REFERENCES metric_key (id),
    time_us INTEGER NOT NULL,
    step INTEGER NOT NULL,
    run_id INTEGER NOT NULL REFERENCES run (id),
    is_nan INTEGER NOT NULL CHECK (is_nan IN (0, 1)),
    value REAL NOT NULL,
    dataset_name TEXT NOT NULL,
    dataset_digest TEXT NOT NULL,
    PRIMARY KEY (model_id, key_id, time_us, step, run_id, is_nan, value, dataset_name, dataset_digest)
) STRICT, WITHOUT ROWID;
CREATE TABLE logged_model_artifact (
    model_id INTEGER NOT NULL REFERENCES logged_model (id),
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (model_id, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE run_model_input (
    run_id INTEGER NOT NULL REFERENCES run (id),
    model TEXT NOT NULL,
    PRIMARY KEY (run_id, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE run_output (
    run_id INTEGER NOT NULL REFERENCES run (id),
    model TEXT NOT NULL,
    step INTEGER NOT NULL,
    PRIMARY KEY (run_id, model, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch_writer (
    run_id INTEGER NOT NULL REFERENCES run (id),
    writer TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (run_id, writer)
) STRICT, WITHOUT ROWID;
";
