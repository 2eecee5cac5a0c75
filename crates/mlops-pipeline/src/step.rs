//! Steps: a name, a code id, parameters, inputs, outputs, and the code that makes the one from the other.
//!
//! Code cannot be hashed from inside a program, so its author states a code id and changes it
//! whenever the code changes. Everything else that the result depends on must be an input or a
//! parameter; a step that reads anything else is cached wrongly, and no runner can know.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use mlops_core::{Digest, Value};
use mlops_store::{ArtifactStore, Bytes};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Progress, Result, StepError, error::names};

/// Where an input of a step comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input(pub(crate) Origin);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Output { step: String, output: String },
    External(Digest),
}

impl Input {
    /// An output of another step.
    pub fn of(step: impl Into<String>, output: impl Into<String>) -> Self {
        Self(Origin::Output {
            step: step.into(),
            output: output.into(),
        })
    }

    /// Something outside the pipeline that has this digest, for instance a table. Its bytes can be
    /// read only if they are in the artifact store.
    pub fn external(digest: Digest) -> Self {
        Self(Origin::External(digest))
    }
}

impl From<Digest> for Input {
    fn from(digest: Digest) -> Self {
        Self::external(digest)
    }
}

pub(crate) type Action<'a> =
    Box<dyn Fn(&StepInputs, &StepContext<'_>) -> Result<Outputs, StepError> + Send + Sync + 'a>;

/// One step of a pipeline. `'a` is how long its code may borrow.
pub struct Step<'a> {
    pub(crate) definition: StepBuilder,
    pub(crate) action: Action<'a>,
}

impl Step<'_> {
    /// Begins a step; [`StepBuilder::run`] ends it.
    #[expect(
        clippy::new_ret_no_self,
        reason = "a step is not complete without its code"
    )]
    pub fn new(name: impl Into<String>) -> StepBuilder {
        StepBuilder {
            name: name.into(),
            code: String::new(),
            params: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            cached: true,
        }
    }
}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition.fmt(f)
    }
}

/// A step without its code.
#[derive(Debug, Clone)]
#[must_use]
pub struct StepBuilder {
    pub(crate) name: String,
    pub(crate) code: String,
    pub(crate) params: Vec<(String, Value)>,
    pub(crate) inputs: Vec<(String, Input)>,
    pub(crate) outputs: Vec<String>,
    pub(crate) cached: bool,
}

impl StepBuilder {
    /// States which version of the code this is. Change it whenever the code gives other results.
    pub fn code(mut self, id: impl Into<String>) -> Self {
        self.code = id.into();
        self
    }

    /// Adds a parameter. Parameters are written into the cache as text: keep secrets out of them.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    /// Adds an input under a name of its own.
    pub fn input(mut self, name: impl Into<String>, from: impl Into<Input>) -> Self {
        self.inputs.push((name.into(), from.into()));
        self
    }

    /// Declares an output.
    pub fn output(mut self, name: impl Into<String>) -> Self {
        self.outputs.push(name.into());
        self
    }

    /// Makes the step run every time, for instance because it looks at the world outside. Steps
    /// after it still run only if its output changed.
    pub fn always_run(mut self) -> Self {
        self.cached = false;
        self
    }

    /// Adds the code. It returns exactly the declared outputs.
    pub fn run<'a, F>(self, action: F) -> Step<'a>
    where
        F: Fn(&StepInputs, &StepContext<'_>) -> Result<Outputs, StepError> + Send + Sync + 'a,
    {
        Step {
            definition: self,
            action: Box::new(action),
        }
    }

    /// Checks what can be checked without the other steps.
    pub(crate) fn check(&self) -> Result<()> {
        let groups: [(&'static str, Vec<&String>); 3] = [
            ("input", self.inputs.iter().map(|i| &i.0).collect()),
            ("output", self.outputs.iter().collect()),
            ("parameter", self.params.iter().map(|p| &p.0).collect()),
        ];
        for (what, group) in groups {
            let mut seen = BTreeSet::new();
            for name in group {
                let fault = if name.is_empty() {
                    "without a name"
                } else if !seen.insert(name) {
                    "there twice"
                } else {
                    continue;
                };
                return Err(Error::InvalidDefinition {
                    step: self.name.clone(),
                    what,
                    name: name.clone(),
                    fault,
                });
            }
        }
        Ok(())
    }
}

/// The inputs of a step that runs: read when they are asked for, and checked against their digest.
#[derive(Debug)]
pub struct StepInputs {
    pub(crate) step: String,
    pub(crate) digests: BTreeMap<String, Digest>,
    pub(crate) store: ArtifactStore,
}

impl StepInputs {
    /// The digest of an input.
    ///
    /// # Errors
    /// [`Error::UnknownInput`] if the step has none of that name.
    pub fn digest(&self, name: &str) -> Result<Digest> {
        self.digests
            .get(name)
            .copied()
            .ok_or_else(|| Error::UnknownInput {
                step: self.step.clone(),
                input: name.to_owned(),
                available: names(self.digests.keys()),
            })
    }

    /// The bytes of an input.
    ///
    /// # Errors
    /// [`Error::UnknownInput`], or [`Error::Store`] if the bytes cannot be read; those of an
    /// external input may never have been put into the store.
    pub fn bytes(&self, name: &str) -> Result<Bytes> {
        Ok(self.store.get(&self.digest(name)?)?)
    }

    /// The value that an input holds as JSON.
    ///
    /// # Errors
    /// Those of [`StepInputs::bytes`], and [`Error::Json`] if the bytes say something else.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_slice(&self.bytes(name)?).map_err(|source| Error::Json {
            name: name.to_owned(),
            action: "read as",
            source,
        })
    }
}

/// The outputs of a step, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs(pub(crate) BTreeMap<String, Vec<u8>>);

impl Outputs {
    /// No outputs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an output, or replaces it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.into(), bytes.into());
        self
    }

    /// Adds a value as JSON. Maps in it must be ordered ones, or equal values give other bytes.
    ///
    /// # Errors
    /// [`Error::Json`] if the value cannot be written as JSON.
    pub fn with_json<T: Serialize + ?Sized>(
        self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<Self> {
        let name = name.into();
        match serde_json::to_vec(value) {
            Ok(bytes) => Ok(self.with(name, bytes)),
            Err(source) => Err(Error::Json {
                name,
                action: "written as",
                source,
            }),
        }
    }
}

/// What a running step knows about itself.
pub struct StepContext<'r> {
    pub(crate) step: &'r str,
    pub(crate) fingerprint: Digest,
    pub(crate) params: &'r [(String, Value)],
    pub(crate) progress: &'r (dyn Fn(&Progress) + Send + Sync),
}

impl StepContext<'_> {
    /// The name of the step.
    pub fn step(&self) -> &str {
        self.step
    }

    /// The digest of everything that the result depends on, for instance as a seed.
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Tells the runner's listener how far the step is.
    pub fn progress(&self, message: impl Into<String>) {
        (self.progress)(&Progress::Message {
            step: self.step.to_owned(),
            text: message.into(),
        });
    }

    /// A parameter.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is none of that name.
    pub fn param(&self, name: &str) -> Result<&Value> {
        let param = self.params.iter().find(|p| p.0 == name);
        param
            .map(|p| &p.1)
            .ok_or_else(|| self.wrong(name, "missing", "a value"))
    }

    /// A parameter that is a whole number.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is none of that name and type.
    pub fn int(&self, name: &str) -> Result<i64> {
        match self.param(name)? {
            Value::Int(value) => Ok(*value),
            other => Err(self.wrong(name, &value_text(other), "a whole number")),
        }
    }

    /// A parameter that is a number; whole ones count.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is none of that name and type.
    pub fn float(&self, name: &str) -> Result<f64> {
        match self.param(name)? {
            Value::Float(value) => Ok(*value),
            Value::Int(value) => Ok(*value as f64),
            other => Err(self.wrong(name, &value_text(other), "a number")),
        }
    }

    /// A parameter that is a text.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is none of that name and type.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.param(name)? {
            Value::Str(value) => Ok(value),
            other => Err(self.wrong(name, &value_text(other), "a text")),
        }
    }

    fn wrong(&self, name: &str, found: &str, expected: &'static str) -> Error {
        Error::Parameter {
            step: self.step.to_owned(),
            parameter: name.to_owned(),
            found: found.to_owned(),
            expected,
        }
    }
}

impl fmt::Debug for StepContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext")
            .field("step", &self.step)
            .field("fingerprint", &self.fingerprint)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// A parameter as text, so that no two values share one: `3`, `3.0`, `"3"`, `true`, `null`, a time.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Str(value) => serde_json::Value::from(value.as_str()).to_string(),
        Value::Time(value) => value.to_string(),
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(value_text).collect();
            format!("[{}]", values.join(","))
        }
        Value::Map(values) => {
            let entry = |(name, value): (&String, &Value)| {
                format!(
                    "{}:{}",
                    serde_json::Value::from(name.as_str()),
                    value_text(value)
                )
            };
            let values: Vec<String> = values.iter().map(entry).collect();
            format!("{{{}}}", values.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::EventTime;

    use super::*;

    #[test]
    fn values_of_different_types_have_different_texts() {
        let values = [
            Value::Null,
            true.into(),
            3.into(),
            3.0.into(),
            f64::NAN.into(),
            f64::INFINITY.into(),
            1e300.into(),
            "3".into(),
            "null".into(),
            "".into(),
            EventTime::from_seconds(0).into(),
            "1970-01-01T00:00:00Z".into(),
        ];
        let texts: BTreeSet<String> = values.iter().map(value_text).collect();
        assert_eq!(texts.len(), values.len(), "{texts:?}");
    }

    #[test]
    fn parameters_are_read_by_their_type() {
        let params = [
            ("n".to_owned(), Value::Int(3)),
            ("s".to_owned(), "x".into()),
        ];
        let context = StepContext {
            step: "fit",
            fingerprint: Digest::of(b""),
            params: &params,
            progress: &|_| {},
        };
        assert_eq!(context.int("n").unwrap(), 3);
        assert_eq!(context.float("n").unwrap(), 3.0);
        assert_eq!(context.text("s").unwrap(), "x");
        let cases = [
            (
                context.int("s").unwrap_err(),
                "step `fit`: parameter `s` is \"x\", a whole number is expected",
            ),
            (
                context.text("m").unwrap_err(),
                "step `fit`: parameter `m` is missing, a value is expected",
            ),
        ];
        for (error, text) in cases {
            assert_eq!(error.to_string(), text);
        }
    }
}
