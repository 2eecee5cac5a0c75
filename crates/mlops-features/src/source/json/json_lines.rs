//! Files of JSON lines, gzipped or not, to a checked table.

use std::{path::Path, sync::Arc};

use mlops_store::Location;

use super::{
    super::{
        Chunk, Chunks, Ingest, Source, SourceSchema, UnpackLimit, cell,
        chunk::check_rows,
        columns::NullTokens,
        file::{self, Origin},
        rejection::{DEFAULT_LIMIT, Fault, RejectionKind},
        rows::Rows,
        unpack::Unpacked,
    },
    lines::{Line, Lines},
    parser::Cells,
    paths::Paths,
    value,
};
use crate::Result;

const DEFAULT_LINE_LIMIT: usize = 1 << 20;

/// A file of one JSON object a line (NDJSON), plain or gzipped.
///
/// A column is named by its key, or by the keys on the way to it with dots between: `user.id` is the key `id` in the
/// object under `user`, or the key `user.id` itself. A key that is not there, null and an empty text are no value.
/// Numbers are read from their digits, so that no whole number passes through a float; texts are read as a CSV
/// file's are. Blank lines are no rows, and a byte order mark at the start is passed over.
///
/// A line that is no JSON object, that is too long or nested deeper than 127 levels, that has a key twice which is
/// read, or whose value cannot become what the schema asks for, is listed in [`Ingest::rejected`] and the reading goes on.
///
/// ```
/// use mlops_features::{JsonLines, Parse, SourceSchema};
///
/// let text = r#"{"user": {"id": 9007199254740993, "tags": []}, "spent": 2.5}
/// {"user": {"id": 2.5}}
/// {"user": "#;
/// let schema = SourceSchema::builder()
///     .key("user_id", "user.id", Parse::Int)
///     .value("spent", "spent", Parse::Float).unit("GBP")
///     .build()?;
/// let ingest = JsonLines::from_bytes("events", text.as_bytes()).read(&schema)?;
/// assert_eq!((ingest.rows_read, ingest.table.rows()), (3, 1));
/// let why: Vec<String> = ingest.rejected.rows().iter().map(ToString::to_string).collect();
/// assert_eq!(why[0], "row 2, column `user.id`, `2.5`: it is not a whole number");
/// assert_eq!(why[1], "row 3, `{\"user\": `: it is not JSON: a value is expected at byte 10");
/// # Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct JsonLines {
    name: String,
    origin: Origin,
    null_tokens: NullTokens,
    line_limit: usize,
    unpack_limit: UnpackLimit,
    rejection_limit: usize,
}

impl JsonLines {
    /// A file that is there; it is read by [`JsonLines::read`].
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) if there is none, [`Error::Read`](crate::Error::Read) if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (name, origin) = file::existing(path.as_ref())?;
        Ok(Self::new(name, origin))
    }

    /// The same at a [`Location`], which may be an object of a store; it is fetched block by block as it is read.
    ///
    /// # Errors
    /// Those of [`JsonLines::open`], [`Error::Object`](crate::Error::Object) if the store does not give it.
    pub fn open_at(location: &Location) -> Result<Self> {
        let (name, origin) = file::located(location)?;
        Ok(Self::new(name, origin))
    }

    /// The same from memory, plain or gzipped; the name stands in errors.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::new(name.into(), Origin::Bytes(bytes.into()))
    }

    fn new(name: String, origin: Origin) -> Self {
        Self {
            name,
            origin,
            null_tokens: NullTokens::default(),
            line_limit: DEFAULT_LINE_LIMIT,
            unpack_limit: UnpackLimit::text(),
            rejection_limit: DEFAULT_LIMIT,
        }
    }

    /// A text that means "no value", for instance `NA`; may be given more than once.
    #[must_use]
    pub fn null_token(mut self, token: &str) -> Self {
        self.null_tokens.0.push(token.as_bytes().into());
        self
    }

    /// The longest line in bytes, 1 MiB unless said otherwise; a longer one is rejected.
    #[must_use]
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.line_limit = bytes;
        self
    }

    /// What a gzipped file may unpack to, [`UnpackLimit::text`] unless said otherwise.
    #[must_use]
    pub fn unpack_limit(mut self, limit: UnpackLimit) -> Self {
        self.unpack_limit = limit;
        self
    }

    /// How many rejected rows are listed one by one, 10,000 unless said otherwise.
    #[must_use]
    pub fn rejection_limit(mut self, rows: usize) -> Self {
        self.rejection_limit = rows;
        self
    }

    /// Reads the whole file by the schema.
    ///
    /// # Errors
    /// [`Error::BrokenGzip`](crate::Error::BrokenGzip) if the archive is cut off or damaged, [`Error::Unpacked`](crate::Error::Unpacked) if it becomes too much,
    /// [`Error::ColumnTooLarge`](crate::Error::ColumnTooLarge), [`Error::Read`](crate::Error::Read).
    pub fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.stream(schema, usize::MAX)?.ingest()
    }

    /// Reads the file in parts of at most that many rows, each when it is asked for.
    ///
    /// # Errors
    /// [`Error::MissingFile`](crate::Error::MissingFile) or [`Error::Read`](crate::Error::Read) if the file cannot be opened any more,
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if `chunk_rows` is 0. All others come with their part.
    pub fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        check_rows(chunk_rows)?;
        let unpacked = Unpacked::open(&self.origin, &self.name, self.unpack_limit)?;
        let mut scan = Scan {
            json: self,
            schema,
            paths: Paths::new(schema.columns().iter().map(|column| column.source.as_str())),
            lines: Lines::new(unpacked, self.line_limit),
            cells: Cells::default(),
            rows: 0,
        };
        let parts = std::iter::from_fn(move || scan.chunk(chunk_rows).transpose());
        Ok(Chunks::new(&self.name, schema, self.rejection_limit, parts))
    }
}

impl Source for JsonLines {
    fn name(&self) -> &str {
        &self.name
    }

    fn stream<'a>(&'a self, schema: &'a SourceSchema, chunk_rows: usize) -> Result<Chunks<'a>> {
        self.stream(schema, chunk_rows)
    }

    fn read(&self, schema: &SourceSchema) -> Result<Ingest> {
        self.read(schema)
    }
}

/// One pass over the lines of a file.
struct Scan<'a> {
    json: &'a JsonLines,
    schema: &'a SourceSchema,
    paths: Paths,
    lines: Lines<Unpacked>,
    cells: Cells,
    rows: u64,
}

impl Scan<'_> {
    fn fill(&mut self) -> Result<Line> {
        let line = self.lines.advance();
        line.map_err(|error| self.lines.reader().error(&self.json.name, self.rows, error))
    }
}

impl<'a> Scan<'a> {
    /// The next part of at most that many rows, or `None` after the last.
    fn chunk(&mut self, rows: usize) -> Result<Option<Chunk>> {
        let (json, schema): (&'a JsonLines, &'a SourceSchema) = (self.json, self.schema);
        let mut part = Rows::new(&json.name, schema, json.rejection_limit);
        while part.read() < rows as u64 {
            let line = self.fill()?;
            if line == Line::End {
                break;
            }
            self.rows += 1;
            let (row, cells) = (self.rows, &mut self.cells);
            let text = match checked(line, self.lines.line(), json.line_limit) {
                Ok(text) => text,
                Err(fault) => {
                    part.reject(row, None, &excerpt(self.lines.line()), fault);
                    continue;
                }
            };
            if let Err((column, fault)) = cells.parse(text, &self.paths, schema.columns().len()) {
                part.reject(row, column, &excerpt(text.as_bytes()), fault);
                continue;
            }
            part.add(
                row,
                |i, column| value::push(column, cells.found(i, text), &json.null_tokens),
                |i| cells.found(i, text).shown(),
            )?;
        }
        (part.read() > 0).then(|| part.finish()).transpose()
    }
}

/// The text of a line that is short enough and UTF-8.
fn checked(line: Line, bytes: &[u8], limit: usize) -> Result<&str, Fault> {
    if line == Line::TooLong {
        let reason = format!("the line is longer than {limit} bytes");
        return Err(Fault::new(RejectionKind::TooLong, reason));
    }
    cell::text(bytes)
}

/// The start of a line, to recognise it by.
fn excerpt(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(400)]).into_owned()
}
