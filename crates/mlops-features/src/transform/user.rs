//! Functions of one's own: pure Rust, with a name, a version and a signature.

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow::datatypes::DataType;
use mlops_core::Value;

use super::{
    catalogue,
    fault::Fault,
    kind::{Cell, Kind},
    lex,
};
use crate::{Error, Result};

type Body = dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync;

/// A pure function that expressions of a service can call by name.
///
/// It must give the same value for the same arguments, always: it is called for training rows and inside
/// requests alike, and perhaps for rows whose answer is not needed. It sees nulls as
/// [`Value::Null`]. A new behaviour is a new version, which changes the digest of every
/// transform that calls it.
///
/// ```
/// use mlops_features::{transform::{Program, UserFunction, call, col}, DataType, Value};
///
/// let mask = UserFunction::new("last_digits", 1, [DataType::Int64], DataType::Int64, |args| {
///     match args {
///         [Value::Int(number)] if *number < 0 => Err(format!("{number} is negative")),
///         [Value::Int(number)] => Ok(Value::Int(number % 10_000)),
///         _ => Ok(Value::Null),
///     }
/// })?;
/// let columns = [("card".to_owned(), DataType::Int64)];
/// let program = Program::compile(&call("last_digits", [col("card")]), &columns, &[mask])?;
/// assert_eq!(program.row(&[Value::Int(1_234_567)])?, Value::Int(4_567));
/// let error = program.row(&[Value::Int(-1)]).unwrap_err();
/// assert_eq!(error.to_string(), "`last_digits(card)` has no value: function `last_digits` says: -1 is negative");
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Clone)]
pub struct UserFunction {
    name: String,
    version: u32,
    takes: Vec<Kind>,
    gives: Kind,
    body: Arc<Body>,
}

impl UserFunction {
    /// Describes a function. Whatever error it gives becomes part of the error of the row.
    ///
    /// # Errors
    /// [`Error::InvalidFunction`] if the name is no plain word in lower case or belongs to a built-in function,
    /// or if a type is not one of `Boolean`, `Int64`, `Float64`, `Utf8` and [`EventTime::data_type`].
    ///
    /// [`EventTime::data_type`]: mlops_core::EventTime::data_type
    pub fn new<E: fmt::Display>(
        name: impl Into<String>,
        version: u32,
        takes: impl IntoIterator<Item = DataType>,
        gives: DataType,
        body: impl Fn(&[Value]) -> Result<Value, E> + Send + Sync + 'static,
    ) -> Result<Self> {
        let name = name.into();
        let invalid = |reason: String| Error::InvalidFunction {
            function: name.chars().take(128).collect(),
            reason,
        };
        let kind = |data_type: DataType| match Kind::of(&data_type) {
            Some(kind) => Ok(kind),
            None => Err(invalid(format!("{data_type} is no type of expressions"))),
        };
        let plain = lex::is_plain(&name) && !name.bytes().any(|b| b.is_ascii_uppercase());
        if !plain || name.len() > 128 {
            return Err(invalid(
                "its name must be a plain word in lower case".into(),
            ));
        }
        if catalogue::names().any(|known| known == name) {
            return Err(invalid("a built-in function has that name".into()));
        }
        let takes = takes.into_iter().map(&kind).collect::<Result<_>>()?;
        let gives = kind(gives)?;
        Ok(Self {
            name,
            version,
            takes,
            gives,
            body: Arc::new(move |args| body(args).map_err(|error| error.to_string())),
        })
    }

    /// The name that expressions call it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of its behaviour.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn takes(&self) -> &[Kind] {
        &self.takes
    }

    pub(crate) fn gives(&self) -> Kind {
        self.gives
    }

    /// What identifies it in a digest.
    pub(crate) fn identity(&self) -> (&str, u32, Vec<&'static str>, &'static str) {
        let takes = self.takes.iter().map(|kind| kind.name()).collect();
        (&self.name, self.version, takes, self.gives.name())
    }

    /// Calls it; a panic is caught and a value of another type refused.
    pub(crate) fn call(&self, args: &[Value]) -> Result<Cell<'static>, Fault> {
        let fault = |reason: String| Fault::User {
            function: self.name.clone(),
            reason: reason.chars().take(300).collect(),
        };
        // the arguments are borrowed and the body is pure, so no broken state can be seen afterwards
        let answer = catch_unwind(AssertUnwindSafe(|| (self.body)(args)));
        let answer = answer.map_err(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            fault(format!("panicked: {}", text.unwrap_or_default()))
        })?;
        let value = answer.map_err(|reason| fault(format!("says: {reason}")))?;
        let Some(cell) = Cell::of(&value) else {
            return Err(fault("gave a value that expressions do not read".into()));
        };
        match (cell.kind(), &cell) {
            (Some(Kind::Text), Cell::Text(text)) if text.len() > super::fault::MAX_TEXT => {
                Err(Fault::TextTooLong)
            }
            (Some(kind), _) if kind != self.gives => Err(fault(format!(
                "gave {}, and its signature says {}",
                kind.name(),
                self.gives.name()
            ))),
            _ => Ok(cell.into_owned()),
        }
    }
}

impl fmt::Debug for UserFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserFunction({} v{})", self.name, self.version)
    }
}

/// Functions by name.
///
/// # Errors
/// [`Error::InvalidFunction`] if two share one.
pub(crate) fn by_name(functions: &[UserFunction]) -> Result<BTreeMap<String, Arc<UserFunction>>> {
    let mut map = BTreeMap::new();
    for function in functions {
        if map
            .insert(function.name.clone(), Arc::new(function.clone()))
            .is_some()
        {
            return Err(Error::InvalidFunction {
                function: function.name.clone(),
                reason: "it is given twice".to_owned(),
            });
        }
    }
    Ok(map)
}
