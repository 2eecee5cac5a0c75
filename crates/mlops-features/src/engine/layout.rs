//! Which columns of which file are what: everything about a join that can be wrong is found here, before a
//! row is read.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::{
    SpineFile, ViewFile, cells::Origin, input::Input, keys::KeyKind, parquet, time::Precision,
};
use crate::{Error, Result, service::quoted};

/// A join whose names and types fit.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) spine: Box<dyn Input>,
    pub(super) spine_time: usize,
    pub(super) precision: Precision,
    /// The different choices of key columns of the spine.
    pub(super) key_sets: Vec<KeySet>,
    pub(super) views: Vec<View>,
}

/// Columns of the spine, each in the kind in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeySet(pub(super) Vec<(usize, KeyKind)>);

/// One view of the join.
#[derive(Debug)]
pub(super) struct View {
    pub(super) file: ViewFile,
    pub(super) input: Box<dyn Input>,
    pub(super) key_set: usize,
    pub(super) keys: Vec<Key>,
    pub(super) time: usize,
    pub(super) created: Option<usize>,
    pub(super) features: Vec<usize>,
}

/// A key column of a view.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) column: usize,
    pub(super) kind: KeyKind,
    /// Whether the kind was inferred from the spine, so that another text is no error.
    pub(super) loose: bool,
}

/// A column of the output.
#[derive(Debug, Clone, Copy)]
pub(super) enum Output {
    Spine(usize),
    /// The view, and the column in its file.
    Feature(usize, usize),
}

impl Layout {
    /// Opens all files; `infer` asks text files for the types of their columns.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::SpineMissingKey`], [`Error::SpineKeyType`], [`Error::ColumnType`],
    /// [`Error::NameCollision`], and those of opening a file.
    pub(super) fn new(spine: &SpineFile, views: &[ViewFile], infer: bool) -> Result<Self> {
        let input = spine.input()?;
        let spine_time = spine.time_column(&*input)?;
        let mut layout = Self {
            precision: precision(&*input, spine_time)?,
            spine: input,
            spine_time,
            key_sets: Vec::new(),
            views: Vec::new(),
        };
        for view in views {
            layout.add(view, infer)?;
        }
        layout.check_names()?;
        Ok(layout)
    }

    fn add(&mut self, file: &ViewFile, infer: bool) -> Result<()> {
        let input = file.input(infer)?;
        let find = |name: &str| {
            let at = input.fields().iter().position(|field| field.name() == name);
            at.ok_or_else(|| {
                let schema = arrow::datatypes::Schema::new(input.fields().to_vec());
                parquet::missing(input.name(), name, &schema)
            })
        };
        let time = find(&file.time)?;
        let created = file.created.as_deref().map(find).transpose()?;
        for column in [Some(time), created].into_iter().flatten() {
            self.precision = self.precision.max(precision(&*input, column)?);
        }
        let times = [Some(time), created];
        let pairs = match &file.keys {
            Some(pairs) => pairs,
            None => &self.common(&*input, &times, file)?,
        };
        let (mut keys, mut set) = (Vec::new(), Vec::new());
        for (spine, column) in pairs {
            let of_spine = self.spine_column(spine, file)?;
            let column = find(column)?;
            let (kind, loose) = self.kind(of_spine, &*input, column, file)?;
            keys.push(Key {
                column,
                kind,
                loose,
            });
            set.push((of_spine, kind));
        }
        let is_key = |column: usize| keys.iter().any(|key| key.column == column);
        let features = if let Some(names) = &file.columns {
            names.iter().map(|name| find(name)).collect::<Result<_>>()?
        } else {
            let all = 0..input.fields().len();
            all.filter(|at| !is_key(*at) && !times.contains(&Some(*at)))
                .collect()
        };
        let set = KeySet(set);
        let known = self.key_sets.iter().position(|known| *known == set);
        let key_set = known.unwrap_or_else(|| {
            self.key_sets.push(set);
            self.key_sets.len() - 1
        });
        self.views.push(View {
            file: file.clone(),
            input,
            key_set,
            keys,
            time,
            created,
            features,
        });
        Ok(())
    }

    fn spine_column(&self, name: &str, view: &ViewFile) -> Result<usize> {
        let fields = self.spine.fields();
        let at = fields.iter().position(|field| field.name() == name);
        at.ok_or_else(|| Error::SpineMissingKey {
            view: view.name.to_string(),
            column: name.to_owned(),
            available: quoted(fields.iter().map(|field| field.name().as_str())),
        })
    }

    /// The columns that spine and view have in common, apart from times.
    fn common(
        &self,
        input: &dyn Input,
        times: &[Option<usize>],
        view: &ViewFile,
    ) -> Result<Vec<(String, String)>> {
        let mut common = Vec::new();
        for (at, field) in input.fields().iter().enumerate() {
            let of_spine = self
                .spine
                .fields()
                .iter()
                .position(|f| f.name() == field.name());
            if times.contains(&Some(at)) || of_spine.is_none_or(|at| at == self.spine_time) {
                continue;
            }
            common.push((field.name().clone(), field.name().clone()));
        }
        if common.is_empty() {
            return Err(Error::SpineMissingKey {
                view: view.name.to_string(),
                column: "any column of the view".to_owned(),
                available: quoted(self.spine.fields().iter().map(|f| f.name().as_str())),
            });
        }
        Ok(common)
    }

    fn kind(
        &self,
        spine: usize,
        input: &dyn Input,
        column: usize,
        view: &ViewFile,
    ) -> Result<(KeyKind, bool)> {
        let of = |input: &dyn Input, column: usize| {
            let field = &input.fields()[column];
            KeyKind::of(field.data_type()).ok_or_else(|| {
                let origin = Origin {
                    source: input.name(),
                    column: field.name(),
                    first: 0,
                };
                let wanted = "a key: a whole number, a text, a boolean, a date or bytes";
                origin.wrong_type(field.data_type(), wanted)
            })
        };
        Ok(match (self.spine.is_text(), input.is_text()) {
            (true, true) if self.spine.is_whole(spine) => (KeyKind::Int, true),
            (true, true) => (KeyKind::Text, false),
            (true, false) => (of(input, column)?, false),
            (false, true) => (of(&*self.spine, spine)?, false),
            (false, false) => {
                let kind = of(&*self.spine, spine)?;
                if kind != of(input, column)? {
                    return Err(Error::SpineKeyType {
                        view: view.name.to_string(),
                        column: self.spine.fields()[spine].name().clone(),
                        expected: input.fields()[column].data_type().clone(),
                        found: self.spine.fields()[spine].data_type().clone(),
                    });
                }
                (kind, false)
            }
        })
    }

    /// The columns of the output in order.
    pub(super) fn outputs(&self) -> Vec<Output> {
        let spine = (0..self.spine.fields().len()).map(Output::Spine);
        let features = self.views.iter().enumerate().flat_map(|(at, view)| {
            let features = view.features.iter();
            features.map(move |column| Output::Feature(at, *column))
        });
        spine.chain(features).collect()
    }

    /// A column's field in the output: the texts of a text file get their inferred type if it is `typed`.
    pub(super) fn field(&self, output: Output, typed: bool) -> FieldRef {
        let (input, column, name) = match output {
            Output::Spine(column) => {
                let name = self.spine.fields()[column].name().clone();
                (&self.spine, column, name)
            }
            Output::Feature(view, column) => {
                let view = &self.views[view];
                let name = view.input.fields()[column].name();
                (&view.input, column, format!("{}__{name}", view.file.name))
            }
        };
        let field = &input.fields()[column];
        let data_type = if input.is_text() && typed {
            input.inferred(column).unwrap_or(DataType::Utf8)
        } else {
            field.data_type().clone()
        };
        let nullable = field.is_nullable() || matches!(output, Output::Feature(..));
        Arc::new(Field::new(name, data_type, nullable))
    }

    fn check_names(&self) -> Result<()> {
        let mut seen = std::collections::BTreeMap::new();
        for output in self.outputs() {
            let words = match output {
                Output::Spine(_) => "a column of the spine".to_owned(),
                Output::Feature(view, column) => {
                    let view = &self.views[view];
                    let column = view.input.fields()[column].name();
                    format!("`{column}` of view `{}`", view.file.name)
                }
            };
            let name = self.field(output, false).name().clone();
            if let Some(first) = seen.insert(name.clone(), words.clone()) {
                return Err(Error::NameCollision {
                    name,
                    first,
                    second: words,
                });
            }
        }
        Ok(())
    }
}

fn precision(input: &dyn Input, column: usize) -> Result<Precision> {
    let field = &input.fields()[column];
    Precision::of(field.data_type()).ok_or_else(|| {
        let origin = Origin {
            source: input.name(),
            column: field.name(),
            first: 0,
        };
        origin.wrong_type(field.data_type(), "an instant")
    })
}
