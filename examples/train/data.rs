//! Tabular files: columns as they seem to be, one of them the label.

use std::{collections::BTreeSet, error::Error, io::Write, path::Path, sync::Arc};

use mlops::{
    core::{
        Column, Lineage, Role, Table, TableSchema, TrainingSet,
        arrow::{
            array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch},
            compute::cast,
            datatypes::{DataType, Float64Type},
        },
    },
    features::{Csv, Ingest, ParquetFile, Parse, Rejections, Source, SourceSchema},
};

use parquet::arrow::ArrowWriter;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A file by the end of its name.
enum File {
    Csv(Csv),
    Parquet(ParquetFile),
}

impl File {
    fn open(path: &Path, nulls: &[String]) -> Result<Self> {
        let name = path.to_string_lossy();
        if name.ends_with(".csv") || name.ends_with(".csv.gz") {
            let csv = Csv::open(path)?;
            let csv = nulls.iter().fold(csv, |csv, token| csv.null_token(token));
            return Ok(Self::Csv(csv));
        }
        if name.ends_with(".parquet") || name.ends_with(".pq") {
            return Ok(Self::Parquet(ParquetFile::open(path)?));
        }
        Err(format!("`{name}` ends in neither .csv, .csv.gz nor .parquet").into())
    }

    fn guess(&self) -> Result<Vec<(String, Parse)>> {
        Ok(match self {
            Self::Csv(file) => file.guess()?,
            Self::Parquet(file) => file.guess()?,
        })
    }

    fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        Ok(match self {
            Self::Csv(file) => file.read(schema)?,
            Self::Parquet(file) => Source::read(file, schema)?,
        })
    }
}

/// Reads the named columns; a row that does not fit is an error, as no prediction may be left out.
pub fn read(path: &Path, columns: &[(String, Parse)], nulls: &[String]) -> Result<Table> {
    let mut schema = SourceSchema::builder();
    for (name, parse) in columns {
        schema = schema.value(name, name, *parse);
        if *parse == Parse::Float {
            schema = schema.nan_as_null();
        }
    }
    let ingest = File::open(path, nulls)?.read(&schema.build()?)?;
    all_taken(path, &ingest.rejected)?;
    if ingest.table.rows() == 0 {
        return Err(format!("`{}` has no rows", path.display()).into());
    }
    Ok(ingest.table)
}

fn all_taken(path: &Path, rejected: &Rejections) -> Result<()> {
    match rejected.rows().first() {
        Some(first) => Err(format!("`{}`: {first}", path.display()).into()),
        None => Ok(()),
    }
}

/// What the label is learnt as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// As its values say: two values are two classes, texts are classes, other numbers are numbers.
    Auto,
    Classes,
    Regression,
}

/// The columns that two files have in common, read alike in both.
#[derive(Debug)]
pub struct Layout {
    columns: Vec<(String, Parse)>,
    nulls: Vec<String>,
    target: String,
    weight: Option<String>,
    /// The two classes of a label that is no number; the later one is positive.
    pub classes: Option<[String; 2]>,
    task: Task,
}

impl Layout {
    /// Looks at the file to train on and the one to test on.
    pub fn of(
        files: [&Path; 2],
        target: &str,
        weight: Option<&str>,
        drop: &[String],
        nulls: Vec<String>,
        task: Task,
    ) -> Result<Self> {
        let [mut columns, other] = [
            File::open(files[0], &nulls)?.guess()?,
            File::open(files[1], &nulls)?.guess()?,
        ];
        for name in drop
            .iter()
            .map(String::as_str)
            .chain([target])
            .chain(weight)
        {
            if !columns.iter().any(|(column, _)| column == name) {
                let path = files[0].display();
                return Err(format!("`{path}` has no column `{name}`").into());
            }
        }
        columns.retain(|(column, _)| !drop.contains(column));
        for (column, parse) in &mut columns {
            if let Some((_, also)) = other.iter().find(|(name, _)| name == column) {
                *parse = widest(*parse, *also);
            }
        }
        Ok(Self {
            columns,
            nulls,
            target: target.to_owned(),
            weight: weight.map(str::to_owned),
            classes: None,
            task,
        })
    }

    /// Reads a file; the first one says which classes there are.
    pub fn read(&mut self, path: &Path) -> Result<TrainingSet> {
        let table = read(path, &self.columns, &self.nulls)?;
        let (mut columns, mut arrays) = (Vec::new(), Vec::new());
        for (at, column) in table.schema().columns().iter().enumerate() {
            let array = Arc::clone(table.batch().column(at));
            let name = column.name();
            let (array, role) = if name == self.target {
                (self.label(path, &array)?, Role::Label)
            } else if self.weight.as_deref() == Some(name) {
                (cast(&array, &DataType::Float64)?, Role::Weight)
            } else {
                (array, Role::Value)
            };
            let nullable = role == Role::Value;
            columns.push(Column::new(name, array.data_type().clone(), role).nullable(nullable));
            arrays.push(array);
        }
        let table = Table::new(TableSchema::new(columns)?, arrays)?;
        Ok(TrainingSet::new(table, Lineage::default())?)
    }

    fn label(&mut self, path: &Path, array: &ArrayRef) -> Result<ArrayRef> {
        if let Some(row) = (0..array.len()).find(|row| array.is_null(*row)) {
            let (path, target) = (path.display(), &self.target);
            return Err(format!("`{path}`: row {} has no `{target}`", row + 1).into());
        }
        if self.task == Task::Regression {
            return match array.data_type() {
                DataType::Utf8 => Err(format!("`{}` is a text, not a number", self.target).into()),
                _ => Ok(cast(array, &DataType::Float64)?),
            };
        }
        let texts = cast(array, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>();
        let names: BTreeSet<&str> = texts.iter().flatten().collect();
        if self.classes.is_none() && names.len() == 2 {
            let mut names = names.iter().map(|name| (*name).to_owned());
            self.classes = names.next().zip(names.next()).map(|(a, b)| [a, b]);
        }
        if let Some(classes) = &self.classes {
            let two = texts.iter().flatten().map(|text| {
                let at = classes.iter().position(|class| class == text);
                at.map(|at| at == 1).ok_or_else(|| {
                    let [a, b] = classes;
                    format!(
                        "`{}`: label `{text}` is neither `{a}` nor `{b}`",
                        path.display()
                    )
                })
            });
            let two: Vec<bool> = two.collect::<std::result::Result<_, _>>()?;
            return Ok(Arc::new(BooleanArray::from(two)));
        }
        match (self.task, array.data_type()) {
            (Task::Classes, _) | (_, DataType::Utf8) => Ok(Arc::new(texts.clone())),
            _ => Ok(cast(array, &DataType::Float64)?),
        }
    }
}

/// The reading that takes the values of both.
fn widest(a: Parse, b: Parse) -> Parse {
    match (a, b) {
        (a, b) if a == b => a,
        (Parse::Int | Parse::Float, Parse::Int | Parse::Float) => Parse::Float,
        _ => Parse::Trimmed,
    }
}

/// Writes a table as CSV, numbers so that they read back to the same bits.
pub fn write_csv(file: &mut impl Write, batch: &RecordBatch) -> Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(batch.schema().fields().iter().map(|field| field.name()))?;
    for row in 0..batch.num_rows() {
        let cells = batch.columns().iter();
        let cells = cells.map(|column| column.as_primitive::<Float64Type>().value(row).to_string());
        writer.write_record(cells)?;
    }
    writer.flush()?;
    Ok(())
}

/// Writes a table as Parquet.
pub fn write_parquet(file: &mut (impl Write + Send), batch: &RecordBatch) -> Result<()> {
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None)?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}
