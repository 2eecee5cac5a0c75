//! A compiled expression: one definition, for a row and for columns.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, new_empty_array},
    compute::concat,
    datatypes::DataType,
};
use mlops_core::Value;

use super::{
    Expr,
    batch::{CHUNK, Chunk},
    check::{Scope, short},
    fault::Fault,
    kind::{Cell, Kind, plain},
    row::Code,
    typed::{Typed, What},
    user::{UserFunction, by_name},
};
use crate::{Error, Result};

/// An expression whose names are resolved and whose types are checked.
///
/// [`row`](Self::row) and [`column`](Self::column) run the same scalar functions and agree to the bit.
///
/// ```
/// use std::sync::Arc;
/// use mlops_features::{transform::{Program, col}, DataType, Value};
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, Int64Array};
///
/// let columns = [("sum".to_owned(), DataType::Float64), ("count".to_owned(), DataType::Int64)];
/// let program = Program::compile(&(col("sum") / col("count")).fill_null(0.0), &columns, &[])?;
/// assert_eq!(program.row(&[Value::Float(9.0), Value::Int(2)])?, Value::Float(4.5));
/// assert_eq!(program.row(&[Value::Float(9.0), Value::Int(0)])?, Value::Float(0.0));
///
/// let sums: ArrayRef = Arc::new(Float64Array::from(vec![9.0, 9.0]));
/// let counts: ArrayRef = Arc::new(Int64Array::from(vec![2, 0]));
/// let means: ArrayRef = Arc::new(Float64Array::from(vec![4.5, 0.0]));
/// assert_eq!(&program.column(&[sums, counts])?, &means);
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Program(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    /// What errors call it: its text, or the name of its transform.
    title: String,
    inputs: Vec<(String, DataType)>,
    kind: Kind,
    /// The inputs that it needs.
    reads: BTreeSet<usize>,
    tree: Typed,
    code: Code,
}

impl Program {
    /// Compiles an expression over columns of given types.
    ///
    /// # Errors
    /// [`Error::InvalidTransform`] with the part at fault and both types, or the closest known name;
    /// [`Error::InvalidFunction`] if two functions share a name.
    pub fn compile(
        expr: &Expr,
        columns: &[(String, DataType)],
        functions: &[UserFunction],
    ) -> Result<Self> {
        Self::titled(short(expr), expr, columns, &by_name(functions)?)
    }

    pub(crate) fn titled(
        title: String,
        expr: &Expr,
        columns: &[(String, DataType)],
        functions: &BTreeMap<String, Arc<UserFunction>>,
    ) -> Result<Self> {
        let scope = Scope {
            inputs: columns,
            functions,
        };
        let invalid = |reason: String| Error::InvalidTransform {
            transform: title.clone(),
            reason,
        };
        let tree = scope.check(expr).map_err(invalid)?;
        let Some(kind) = tree.kind else {
            let reason = "it is always null and has no type; use `if(false, …, null)`".to_owned();
            return Err(invalid(reason));
        };
        let code = Code::of(&tree);
        Ok(Self(Arc::new(Compiled {
            title,
            inputs: columns.to_vec(),
            kind,
            reads: reads(&tree),
            tree,
            code,
        })))
    }

    /// The Arrow type of its values.
    pub fn data_type(&self) -> DataType {
        self.0.kind.data_type()
    }

    /// The own functions that it calls.
    pub(crate) fn functions(&self) -> Vec<Arc<UserFunction>> {
        let mut found: BTreeMap<&str, &Arc<UserFunction>> = BTreeMap::new();
        let mut open = vec![&self.0.tree];
        while let Some(node) = open.pop() {
            if let What::User(function, _) = &node.what {
                found.insert(function.name(), function);
            }
            open.extend(node.children());
        }
        found.into_values().cloned().collect()
    }

    /// The value for one row, from one value for each column.
    ///
    /// # Errors
    /// [`Error::TransformInput`] if the values do not fit the columns, [`Error::TransformFailed`] if the row
    /// overflows, cannot be cast, or breaks a function of one's own.
    pub fn row(&self, values: &[Value]) -> Result<Value> {
        if values.len() != self.0.inputs.len() {
            return Err(self.count(values.len()));
        }
        for slot in &self.0.reads {
            self.fits(*slot, &values[*slot])?;
        }
        let mut stack = Vec::with_capacity(8);
        let load = |slot: usize| Cell::of(&values[slot]).unwrap_or(Cell::Null);
        let value = self.run(&mut stack, load);
        value.map(Cell::into_value)
    }

    /// Refuses a value of another kind than its column.
    fn fits(&self, slot: usize, value: &Value) -> Result<()> {
        let cell = Cell::of(value);
        let (column, expected) = &self.0.inputs[slot];
        let found = match &cell {
            Some(Cell::Null) => return Ok(()),
            Some(cell) => cell.kind(),
            None => None,
        };
        if found.is_some() && found == Kind::of_input(expected) {
            return Ok(());
        }
        Err(Error::TransformInput {
            transform: self.0.title.clone(),
            column: column.clone(),
            expected: expected.to_string(),
            found: found.map_or("a nested value", Kind::name).to_owned(),
        })
    }

    fn count(&self, found: usize) -> Error {
        Error::TransformInput {
            transform: self.0.title.clone(),
            column: "*".to_owned(),
            expected: format!("{} columns", self.0.inputs.len()),
            found: format!("{found} columns"),
        }
    }

    /// One row; the caller vouches for the kinds.
    pub(crate) fn run<'a>(
        &'a self,
        stack: &mut Vec<Cell<'a>>,
        load: impl Fn(usize) -> Cell<'a>,
    ) -> Result<Cell<'a>> {
        let value = self.0.code.run(stack, load);
        value.map_err(|fault| self.failed(None, &fault))
    }

    fn failed(&self, row: Option<usize>, fault: &Fault) -> Error {
        Error::TransformFailed {
            transform: self.0.title.clone(),
            row,
            reason: fault.to_string(),
        }
    }

    /// The column for columns of equal length.
    ///
    /// # Errors
    /// [`Error::TransformInput`] if the columns do not fit, [`Error::TransformFailed`] with the first row that
    /// breaks, counted from 0, [`Error::ColumnTooLarge`] if the texts do not fit one column.
    ///
    /// # Complexity
    /// Linear; what it holds besides the answer is the columns of 1024 rows for each level of the expression.
    pub fn column(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let inputs = &self.0.inputs;
        if columns.len() != inputs.len() {
            return Err(self.count(columns.len()));
        }
        let rows = columns.first().map_or(0, Array::len);
        for (column, (name, expected)) in columns.iter().zip(inputs) {
            if column.data_type() != expected || column.len() != rows {
                return Err(Error::TransformInput {
                    transform: self.0.title.clone(),
                    column: name.clone(),
                    expected: format!("{rows} rows of {expected}"),
                    found: format!("{} of {}", column.len(), column.data_type()),
                });
            }
        }
        self.rows(columns, rows)
    }

    /// The column for so many rows; the caller vouches for types and lengths.
    pub(crate) fn rows(&self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let inputs = columns.iter().zip(&self.0.inputs).enumerate();
        let columns = inputs.map(|(slot, (column, (name, _)))| {
            if self.0.reads.contains(&slot) {
                plain(name, column)
            } else {
                Ok(ArrayRef::clone(column))
            }
        });
        let columns = &columns.collect::<Result<Vec<_>>>()?;
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(rows.div_ceil(CHUNK));
        let mut bytes = 0;
        for from in (0..rows).step_by(CHUNK) {
            let mut chunk = Chunk::new(columns, from, CHUNK.min(rows - from));
            let vector = chunk.eval(&self.0.tree);
            if let Some((row, fault)) = vector.faults.first_key_value() {
                return Err(self.failed(Some(from + row), fault));
            }
            let vector = std::rc::Rc::unwrap_or_clone(vector);
            parts.push(vector.into_array());
            if self.0.kind == Kind::Text {
                bytes += parts.last().map_or(0, Array::get_array_memory_size);
            }
        }
        if bytes > i32::MAX as usize {
            return Err(Error::ColumnTooLarge {
                source_name: "transforms".to_owned(),
                column: self.0.title.clone(),
            });
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        match parts.as_slice() {
            [] => Ok(new_empty_array(&self.data_type())),
            parts => concat(parts).map_err(Error::arrow("put the rows of a transform together")),
        }
    }
}

fn reads(tree: &Typed) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![tree];
    while let Some(node) = open.pop() {
        if let What::Input(slot) = node.what {
            found.insert(slot);
        }
        open.extend(node.children());
    }
    found
}
