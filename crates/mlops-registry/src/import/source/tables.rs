//! The tables of MLflow 3 that an import reads, and those that it passes over.

/// The tables that are read, with the columns that are read of them.
pub(in crate::import) const TABLES: [(&str, &[&str]); 18] = [
    (
        "experiments",
        &[
            "experiment_id",
            "name",
            "artifact_location",
            "lifecycle_stage",
            "creation_time",
            "last_update_time",
        ],
    ),
    ("experiment_tags", &["key", "value", "experiment_id"]),
    (
        "runs",
        &[
            "run_uuid",
            "name",
            "user_id",
            "status",
            "start_time",
            "end_time",
            "lifecycle_stage",
            "artifact_uri",
            "experiment_id",
            "deleted_time",
        ],
    ),
    (
        "metrics",
        &["key", "value", "timestamp", "run_uuid", "step", "is_nan"],
    ),
    ("params", &["key", "value", "run_uuid"]),
    ("tags", &["key", "value", "run_uuid"]),
    (
        "datasets",
        &[
            "dataset_uuid",
            "name",
            "digest",
            "dataset_source_type",
            "dataset_source",
            "dataset_schema",
            "dataset_profile",
        ],
    ),
    (
        "inputs",
        &[
            "input_uuid",
            "source_type",
            "source_id",
            "destination_type",
            "destination_id",
            "step",
        ],
    ),
    ("input_tags", &["input_uuid", "name", "value"]),
    (
        "logged_models",
        &[
            "model_id",
            "experiment_id",
            "name",
            "artifact_location",
            "creation_timestamp_ms",
            "last_updated_timestamp_ms",
            "status",
            "lifecycle_stage",
            "model_type",
            "source_run_id",
            "status_message",
        ],
    ),
    (
        "logged_model_metrics",
        &[
            "model_id",
            "metric_name",
            "metric_timestamp_ms",
            "metric_step",
            "metric_value",
            "run_id",
            "dataset_name",
            "dataset_digest",
        ],
    ),
    (
        "logged_model_params",
        &["model_id", "param_key", "param_value"],
    ),
    ("logged_model_tags", &["model_id", "tag_key", "tag_value"]),
    (
        "registered_models",
        &["name", "creation_time", "last_updated_time", "description"],
    ),
    ("registered_model_tags", &["key", "value", "name"]),
    ("registered_model_aliases", &["alias", "version", "name"]),
    (
        "model_versions",
        &[
            "name",
            "version",
            "creation_time",
            "last_updated_time",
            "description",
            "user_id",
            "current_stage",
            "source",
            "run_id",
            "status",
            "status_message",
            "run_link",
        ],
    ),
    ("model_version_tags", &["key", "value", "name", "version"]),
];

/// Tables whose content follows from others or is MLflow's own business.
pub(super) const PASSED_OVER: [&str; 6] = [
    "alembic_version",
    "latest_metrics",
    "workspaces",
    "scheduler_leases",
    "job_locks",
    "webhook_events",
];
