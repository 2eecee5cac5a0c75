//! Puts a package together.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, Value};
use serde::Serialize;

use crate::{
    Error, Model, ModelPackage, ModelSpec, Result,
    package::{self, InputExample, Metadata, card, manifest, mlmodel},
};

/// Collects what travels with a model; see [`ModelPackage::builder`].
///
/// The same calls give the same bytes: nothing here reads a clock.
#[derive(Debug)]
#[must_use]
pub struct ModelPackageBuilder {
    spec: ModelSpec,
    metadata: Metadata,
    card: Option<String>,
    profile: Option<Vec<u8>>,
    input_example: Option<Vec<Value>>,
    extra: Vec<(String, Vec<u8>)>,
    #[cfg(feature = "onnx-export")]
    onnx: bool,
}

impl ModelPackageBuilder {
    pub(super) fn new(spec: ModelSpec) -> Self {
        Self {
            spec,
            metadata: Metadata::default(),
            card: None,
            profile: None,
            input_example: None,
            extra: Vec::new(),
            #[cfg(feature = "onnx-export")]
            onnx: false,
        }
    }

    /// When the model was made.
    pub fn created(mut self, time: EventTime) -> Self {
        self.metadata.created = Some(time);
        self
    }

    /// What trained the model, for instance `boosting`.
    pub fn trainer(mut self, name: impl Into<String>) -> Self {
        self.metadata.trainer = Some(name.into());
        self
    }

    /// One parameter of the training.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.params.insert(name.into(), value.into());
        self
    }

    /// Several parameters of the training.
    pub fn params(mut self, params: impl IntoIterator<Item = (String, String)>) -> Self {
        self.metadata.params.extend(params);
        self
    }

    /// The model card in Markdown; without one, a short card is written from what is known.
    pub fn card(mut self, card: impl Into<String>) -> Self {
        self.card = Some(card.into());
        self
    }

    /// The profile of the training data, kept as it is.
    pub fn profile(mut self, profile: impl Into<Vec<u8>>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// A row that the model reads, in the signature's order.
    pub fn input_example(mut self, row: impl Into<Vec<Value>>) -> Self {
        self.input_example = Some(row.into());
        self
    }

    /// Another file, for instance an evaluation.
    pub fn file(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.extra.push((name.into(), bytes.into()));
        self
    }

    /// The model as ONNX too, as `model.onnx`, and so that MLflow finds it:
    /// `mlflow.onnx.load_model` and `mlflow.pyfunc.load_model` load the package's directory.
    ///
    /// Inputs of a model of lists are tensors there: Python gives a dictionary of arrays, and no frame.
    ///
    /// For Python whole numbers and booleans that may be null are real numbers; see
    /// [`ModelSpec::to_onnx`], whose errors [`build`](ModelPackageBuilder::build) then has.
    #[cfg(feature = "onnx-export")]
    pub fn onnx(mut self) -> Self {
        self.onnx = true;
        self
    }

    /// Writes and checks all files.
    ///
    /// # Errors
    /// Those of [`Signature::check_row`](crate::Signature::check_row) for the input example;
    /// [`Error::InvalidFileName`] for an added file whose name is not plain or taken;
    /// [`Error::TooLarge`] beyond the limits of [`limit`](crate::limit).
    pub fn build(self) -> Result<ModelPackage> {
        self.metadata.check()?;
        let mut files = BTreeMap::new();
        let model = json(&self.spec);
        #[cfg(feature = "onnx-export")]
        let onnx = self.onnx.then(|| self.spec.to_onnx()).transpose()?;
        #[cfg(not(feature = "onnx-export"))]
        let onnx: Option<Vec<u8>> = None;
        let mlmodel = mlmodel::Document {
            spec: &self.spec,
            metadata: &self.metadata,
            model: Digest::of(&model),
            input_example: self.input_example.is_some(),
            onnx: onnx.is_some(),
        };
        files.insert(
            package::MLMODEL.to_owned(),
            mlmodel.to_string().into_bytes(),
        );
        files.insert(package::MODEL.to_owned(), model);
        if let Some(onnx) = onnx {
            files.insert(package::ONNX.to_owned(), onnx);
            files.insert(
                package::REQUIREMENTS.to_owned(),
                mlmodel::REQUIREMENTS.into(),
            );
        }
        files.insert(package::SIGNATURE.to_owned(), json(self.spec.signature()));
        files.insert(package::METADATA.to_owned(), json(&self.metadata));
        let card = self
            .card
            .unwrap_or_else(|| card::write(&self.spec, &self.metadata));
        files.insert(package::CARD.to_owned(), card.into_bytes());
        if let Some(profile) = self.profile {
            files.insert(package::PROFILE.to_owned(), profile);
        }
        if let Some(row) = self.input_example {
            self.spec.signature().check_row(&row)?;
            let columns = self
                .spec
                .signature()
                .inputs()
                .iter()
                .map(|input| input.name.clone());
            let example = InputExample {
                columns: columns.collect(),
                data: vec![row],
            };
            files.insert(package::INPUT_EXAMPLE.to_owned(), json(&example));
        }
        for (name, bytes) in self.extra {
            manifest::check_name(&name)?;
            let reserved = [package::PROFILE, package::INPUT_EXAMPLE].contains(&name.as_str());
            if reserved || files.contains_key(&name) {
                return Err(Error::InvalidFileName {
                    name,
                    reason: "the name is taken",
                });
            }
            files.insert(name, bytes);
        }
        manifest::check_sizes(&files)?;
        files.insert(package::MANIFEST.to_owned(), manifest::write(&files));
        // reading back is the proof that what was written can be read
        ModelPackage::from_files(files)
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(value).expect("checked parts serialise");
    text.push(b'\n');
    text
}
