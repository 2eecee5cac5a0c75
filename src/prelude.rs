//! What a program that runs the loop imports: `use mlops::prelude::*;`.

pub use mlops_core::{
    Clock, EntityKey, EventTime, ManualClock, Role, Seed, Span, SystemClock, Table, TrainingSet,
    Value,
};
pub use mlops_drift::{Policy, ReferenceProfile};
pub use mlops_features::{
    Contract, Csv, Entity, EntityRow, Expectation, Feature, FeatureService, FeatureStore,
    FeatureView, ParquetFile, Parse, SourceSchema, TimeFormat, ViewRow, days, hours,
};
pub use mlops_model::{Model, ModelPackage};
pub use mlops_registry::{Gate, Registry, Stage};
#[cfg(feature = "serve")]
pub use mlops_serve::{Endpoint, PredictionLog, Server};
#[cfg(feature = "train")]
pub use mlops_train::{
    Boosting, DecisionTree, EvaluationOptions, LogisticRegression, Trainer, evaluate,
};

pub use crate::{Error, Result};
