//! A model with everything that has to travel with it: one directory, every file vouched for.
//!
//! The directory has MLflow's shape (`MLmodel`), so that people and tools find what they know. The truth
//! is `manifest.json`: the schema version and the size and BLAKE3 digest of every other file. It has one
//! possible text for given files, so not a byte of a package can change unnoticed, and its digest is the
//! identity of the package.
//!
//! ```text
//! manifest.json            schema version, size and digest of every file below
//! MLmodel                  YAML for readers of MLflow's model format
//! model.json               signature, encoders and estimator
//! signature.json           the signature alone
//! metadata.json            when and by what it was made, with which parameters
//! card.md                  the model card
//! input_example.json       one row that the model reads                        (optional)
//! model.onnx               the model for other runtimes                        (optional)
//! requirements.txt         what Python needs for it                            (with model.onnx)
//! reference_profile.json   what training data looked like, opaque here         (optional)
//! …                        files that a caller added, in the manifest as well  (optional)
//! ```

mod builder;
mod card;
mod directory;
mod manifest;
mod mlmodel;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use mlops_core::{Digest, EventTime, Value};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use builder::ModelPackageBuilder;

use crate::{Error, Model, ModelSpec, Result, Signature, limit};

/// The schema version that this crate writes. It reads this one and all before it.
pub const SCHEMA_VERSION: u32 = 1;

pub(crate) const CARD: &str = "card.md";
pub(crate) const INPUT_EXAMPLE: &str = "input_example.json";
pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const METADATA: &str = "metadata.json";
pub(crate) const MLMODEL: &str = "MLmodel";
pub(crate) const MODEL: &str = "model.json";
pub(crate) const ONNX: &str = "model.onnx";
pub(crate) const PROFILE: &str = "reference_profile.json";
pub(crate) const REQUIREMENTS: &str = "requirements.txt";
pub(crate) const SIGNATURE: &str = "signature.json";

/// A checked package: its files fit their digests, and its model predicts.
///
/// ```
/// use mlops_model::{Estimator, Linear, Link, Model, ModelPackage, ModelSpec, Output, Preprocess, Scratch, Signature};
///
/// let signature = Signature::new([], Output::Probability { positive: "churned".into() })?;
/// let base_rate = Linear { weights: vec![], bias: vec![0.25], link: Link::Identity };
/// let spec = ModelSpec::new(signature.clone(), Preprocess::new(&signature, vec![])?, Estimator::Linear(base_rate))?;
/// let package = ModelPackage::builder(spec).trainer("base rate").build()?;
///
/// let mut files = package.files().clone();
/// assert_eq!(ModelPackage::from_files(files.clone())?.digest(), package.digest());
///
/// files.get_mut("card.md").unwrap()[0] ^= 1;
/// assert!(ModelPackage::from_files(files).is_err());
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ModelPackage {
    files: Arc<BTreeMap<String, Vec<u8>>>,
    digest: Digest,
    spec: Arc<ModelSpec>,
    metadata: Metadata,
    input_example: Option<Vec<Value>>,
}

/// When and how a model was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    created: Option<EventTime>,
    trainer: Option<String>,
    params: BTreeMap<String, String>,
}

/// MLflow's column-and-row form of an input example.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputExample {
    columns: Vec<String>,
    data: Vec<Vec<Value>>,
}

impl ModelPackage {
    /// Starts a package for a model.
    pub fn builder(spec: ModelSpec) -> ModelPackageBuilder {
        ModelPackageBuilder::new(spec)
    }

    /// Takes files by name, verifies them against their manifest and checks what they hold.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond the limits of [`limit`]; [`Error::MissingFile`],
    /// [`Error::UnexpectedFile`] or [`Error::Corrupt`] if the files are not what the manifest lists;
    /// [`Error::UnsupportedVersion`] for a later schema version; [`Error::Json`] or the error of the part
    /// if a file is intact and holds no valid content.
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Result<Self> {
        manifest::verify(&files)?;
        let spec: ModelSpec = json(&files, MODEL)?;
        let signature: Signature = json(&files, SIGNATURE)?;
        if signature != *spec.signature() {
            return Err(Error::corrupt(
                SIGNATURE,
                format!("it is not the signature in `{MODEL}`"),
            ));
        }
        let metadata: Metadata = json(&files, METADATA)?;
        metadata.check()?;
        let card = files.get(CARD).ok_or_else(|| missing(CARD))?;
        if std::str::from_utf8(card).is_err() {
            return Err(Error::corrupt(CARD, "it is not UTF-8"));
        }
        if !files.contains_key(MLMODEL) {
            return Err(missing(MLMODEL));
        }
        let input_example = match files.get(INPUT_EXAMPLE) {
            Some(_) => Some(example_row(&spec, json(&files, INPUT_EXAMPLE)?)?),
            None => None,
        };
        let digest = Digest::of(files.get(MANIFEST).ok_or_else(|| missing(MANIFEST))?);
        Ok(Self {
            files: Arc::new(files),
            digest,
            spec: Arc::new(spec),
            metadata,
            input_example,
        })
    }

    /// Writes the files into a new directory, all or none: they are written and synced beside it, and
    /// the directory then gets its name.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if something is at the path, [`Error::Io`] if the file system refuses.
    pub fn write_dir(&self, path: &Path) -> Result<()> {
        directory::write(path, &self.files)
    }

    /// Reads and verifies a directory. It may hold the package's files and nothing else.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no directory, [`Error::Io`] if the file system refuses, and those of
    /// [`ModelPackage::from_files`].
    pub fn read_dir(path: &Path) -> Result<Self> {
        Self::from_files(directory::read(path)?)
    }

    /// The files by name.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The identity of the package: the digest of its manifest, and so of every file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The bytes of the manifest, which vouch for all others.
    #[cfg(feature = "sign")]
    pub(crate) fn manifest(&self) -> &[u8] {
        &self.files[MANIFEST]
    }

    /// The model, ready to predict.
    ///
    /// # Errors
    /// None today; a later family may need what this build does not have.
    pub fn load(&self) -> Result<Arc<dyn Model>> {
        Ok(Arc::<ModelSpec>::clone(&self.spec))
    }

    /// The model as data.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// What the model reads and answers.
    pub fn signature(&self) -> &Signature {
        self.spec.signature()
    }

    /// When it was made, if it is known.
    pub fn created(&self) -> Option<EventTime> {
        self.metadata.created
    }

    /// What trained it, if it is known.
    pub fn trainer(&self) -> Option<&str> {
        self.metadata.trainer.as_deref()
    }

    /// The parameters it was trained with.
    pub fn params(&self) -> &BTreeMap<String, String> {
        &self.metadata.params
    }

    /// The profile of the training data, as the bytes that were put in.
    pub fn profile(&self) -> Option<&[u8]> {
        self.files.get(PROFILE).map(Vec::as_slice)
    }

    /// The model card, in Markdown.
    pub fn card(&self) -> &str {
        let card = self.files.get(CARD).map_or(&[][..], Vec::as_slice);
        std::str::from_utf8(card).expect("checked by `from_files`")
    }

    /// A row that the model reads, in the signature's order.
    pub fn input_example(&self) -> Option<&[Value]> {
        self.input_example.as_deref()
    }
}

impl Metadata {
    fn check(&self) -> Result<()> {
        limit::check("the number of parameters", self.params.len(), limit::PARAMS)?;
        let texts = self
            .trainer
            .iter()
            .map(|trainer| ("the trainer's name", trainer));
        let texts = texts.chain(
            self.params
                .values()
                .map(|value| ("a parameter's length", value)),
        );
        let texts = texts.chain(
            self.params
                .keys()
                .map(|name| ("a parameter name's length", name)),
        );
        for (what, text) in texts {
            limit::check(what, text.len(), limit::PARAM_BYTES)?;
        }
        Ok(())
    }
}

fn example_row(spec: &ModelSpec, example: InputExample) -> Result<Vec<Value>> {
    let inputs = spec.signature().inputs();
    if !example
        .columns
        .iter()
        .eq(inputs.iter().map(|input| &input.name))
    {
        return Err(Error::corrupt(
            INPUT_EXAMPLE,
            "its columns are not the signature's",
        ));
    }
    let mut rows = example.data;
    match rows.pop() {
        Some(row) if rows.is_empty() => {
            spec.signature().check_row(&row)?;
            Ok(row)
        }
        _ => Err(Error::corrupt(
            INPUT_EXAMPLE,
            "it has another number of rows than one",
        )),
    }
}

fn json<T: DeserializeOwned>(files: &BTreeMap<String, Vec<u8>>, file: &str) -> Result<T> {
    let bytes = files.get(file).ok_or_else(|| missing(file))?;
    serde_json::from_slice(bytes).map_err(|source| Error::Json {
        file: file.to_owned(),
        source,
    })
}

fn missing(file: &str) -> Error {
    Error::MissingFile {
        file: file.to_owned(),
    }
}
