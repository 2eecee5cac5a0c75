//! What can go wrong on the way from events to features, each naming the culprit.
//!
//! Errors here stop the call: the file, the schema, a view or a contract is wrong as a whole. A single
//! bad row is no error; it is listed in [`Rejections`](crate::Rejections) and the rest goes on.

mod conversion;
mod kind;

use arrow::datatypes::DataType;

/// An error of sources, contracts, views, features and stores.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of the shared nouns.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),

    /// An error of a store that is no source's, for instance a URL that makes no sense.
    #[error(transparent)]
    Store(Box<mlops_store::Error>),

    /// A file is not there.
    #[error("file `{path}` does not exist")]
    MissingFile {
        /// The path as it was given.
        path: String,
    },
    /// A directory has no file that could be read.
    #[error("there is no Parquet file below `{path}`")]
    EmptyDirectory {
        /// The path or URL of the directory.
        path: String,
    },
    /// A file is there and cannot be opened or read.
    #[error("`{source_name}` could not be read")]
    Read {
        /// The path or name of the source.
        source_name: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// An object of a store is not there, not open to these credentials, or does not answer.
    #[error("`{source_name}` could not be read")]
    Object {
        /// The URL of the source.
        source_name: String,
        /// What the store said.
        source: Box<mlops_store::Error>,
    },
    /// A compressed file is cut off or damaged; nothing was taken from it.
    #[error("`{source_name}` is not a whole gzip stream: it breaks after data row {row}")]
    BrokenGzip {
        /// The path or name of the source.
        source_name: String,
        /// The last data row that was read whole, counted from 1; 0 if none was.
        row: u64,
        /// What the decompressor said.
        source: std::io::Error,
    },
    /// A compressed source becomes more than it may; nothing more was taken from it.
    #[error(
        "`{source_name}` unpacks {packed} bytes to more than {limit}; raise `unpack_limit` if it is to be trusted"
    )]
    Unpacked {
        /// The path or name of the source.
        source_name: String,
        /// The compressed bytes that were read, or those of the file.
        packed: u64,
        /// What they may become.
        limit: u64,
    },
    /// A Parquet file is cut off, damaged or no Parquet at all; nothing was taken from it.
    #[error("`{source_name}` is not a readable Parquet file: {reason}")]
    BrokenParquet {
        /// The path or name of the source.
        source_name: String,
        /// What the reader said.
        reason: String,
    },
    /// A file or stream of Arrow IPC is cut off, damaged, compressed or none at all.
    #[error("`{source_name}` is not readable as Arrow IPC: {reason}")]
    BrokenIpc {
        /// The path or name of the source.
        source_name: String,
        /// What the reader said.
        reason: String,
    },
    /// A text file has no header line.
    #[error("`{source_name}` is empty: a header line is expected")]
    MissingHeader {
        /// The path or name of the source.
        source_name: String,
    },
    /// A header line is not UTF-8.
    #[error("`{source_name}` is not UTF-8 in the name of column {column}")]
    NotUtf8 {
        /// The path or name of the source.
        source_name: String,
        /// The column, counted from 1.
        column: usize,
    },
    /// A source does not have a column that its schema asks for.
    #[error("`{source_name}` has no column `{column}`; it has {available}")]
    MissingColumn {
        /// The path or name of the source.
        source_name: String,
        /// The column that was asked for.
        column: String,
        /// The columns that are there.
        available: String,
    },
    /// A source has a column twice, so that its name says nothing.
    #[error("`{source_name}` has {count} columns named `{column}`")]
    AmbiguousColumn {
        /// The path or name of the source.
        source_name: String,
        /// The name.
        column: String,
        /// How often it is there.
        count: usize,
    },
    /// A typed source holds a column in a type that cannot become what the schema asks for.
    #[error("column `{column}` of `{source_name}` holds {found}, which cannot become {wanted}")]
    ColumnType {
        /// The path or name of the source.
        source_name: String,
        /// The column in the source.
        column: String,
        /// The type that is there.
        found: DataType,
        /// What the schema asks for.
        wanted: &'static str,
    },
    /// Times without a zone meet a schema that states none.
    #[error(
        "column `{column}` of `{source_name}` holds times without a zone; state it with `TimeFormat`"
    )]
    UnstatedZone {
        /// The path or name of the source.
        source_name: String,
        /// The column in the source.
        column: String,
    },
    /// A record is longer than the limit, most often because a quote is never closed.
    #[error("record {row} of `{source_name}` is longer than {limit} bytes; is a quote left open?")]
    RecordTooLong {
        /// The path or name of the source.
        source_name: String,
        /// The data row, counted from 1; 0 is the header.
        row: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The text of one column does not fit one Arrow array.
    #[error("column `{column}` of `{source_name}` has more than 2 GiB of text; read it in parts")]
    ColumnTooLarge {
        /// The path or name of the source.
        source_name: String,
        /// The column in the source.
        column: String,
    },
    /// A time zone is not in the IANA database.
    #[error("time zone `{zone}` is not known: {reason}")]
    UnknownTimeZone {
        /// The name as it was given.
        zone: String,
        /// What the database said.
        reason: String,
    },
    /// A pattern for times contradicts itself or leaves something open.
    #[error("time format `{format}` is not valid: {reason}")]
    InvalidTimeFormat {
        /// The pattern.
        format: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting of a reader is out of its range.
    #[error("`{parameter}` is {value}; {rule}")]
    InvalidParameter {
        /// The setting.
        parameter: &'static str,
        /// Its value as text.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },

    /// A value of a file is not what the join needs there.
    #[error(
        "row {row} of `{source_name}` has {value:?} in column `{column}`; {expected} is expected"
    )]
    BadCell {
        /// The path or name of the source.
        source_name: String,
        /// The data row, counted from 1.
        row: u64,
        /// The column.
        column: String,
        /// The value, shortened.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A text file is not what its ending says.
    #[error("`{source_name}` is not a readable text file: {reason}")]
    BrokenText {
        /// The path or name of the source.
        source_name: String,
        /// What the reader said.
        reason: String,
    },
    /// The ending of a file name says nothing known about its content.
    #[error("`{path}` ends in none of `.csv`, `.csv.gz`, `.parquet`")]
    UnknownFormat {
        /// The path as it was given.
        path: String,
    },
    /// A file has other rows than a moment ago.
    #[error("`{source_name}` changed while it was read")]
    Changed {
        /// The path or name of the source.
        source_name: String,
    },
    /// A result would replace a file that it is made from.
    #[error("`{path}` is an input of the join and cannot be its output")]
    OutputIsInput {
        /// The path as it was given.
        path: String,
    },

    /// An expectation cannot be checked as it stands.
    #[error("it cannot be checked that {expectation}: {reason}")]
    InvalidExpectation {
        /// The expectation in words.
        expectation: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A contract names a column that the table does not have.
    #[error("contract `{contract}` expects a column `{column}`; the table has {available}")]
    ContractColumn {
        /// The contract.
        contract: String,
        /// The column it names.
        column: String,
        /// The columns that are there.
        available: String,
    },
    /// A contract asks something of a column that its type cannot answer.
    #[error(
        "column `{column}` holds {found}; contract `{contract}` asks for {wanted}, so that {expectation}"
    )]
    ContractType {
        /// The contract.
        contract: String,
        /// The expectation in words.
        expectation: String,
        /// The column.
        column: String,
        /// The type that is there.
        found: DataType,
        /// What it must be.
        wanted: &'static str,
    },
    /// The JSON of a contract cannot be read.
    #[error("this is no contract: {reason}")]
    InvalidContract {
        /// What is wrong with it.
        reason: String,
    },
    /// A table does not keep its contract.
    #[error(
        "contract `{contract}` is broken by {failed} of {checked} expectations, first: {first}; seen: {detail}"
    )]
    ContractBroken {
        /// The contract.
        contract: String,
        /// How many expectations of severity error fail.
        failed: usize,
        /// How many were checked.
        checked: usize,
        /// The first that fails, in words.
        first: String,
        /// What was seen instead.
        detail: String,
    },

    /// A view was named that is not registered.
    #[error("feature view `{view}` is not registered; there is {available}")]
    UnknownView {
        /// The view that was asked for.
        view: String,
        /// The views that are there.
        available: String,
    },
    /// A feature was named that is not in the service.
    #[error("feature `{feature}` is not in service `{service}`; there is {available}")]
    UnknownFeature {
        /// The service.
        service: String,
        /// The feature that was asked for.
        feature: String,
        /// The features that are there.
        available: String,
    },
    /// A feature reads a field that its view does not have.
    #[error("feature view `{view}` has no field `{field}`; it has {available}")]
    UnknownField {
        /// The view.
        view: String,
        /// The field that was asked for.
        field: String,
        /// The fields that are there.
        available: String,
    },
    /// A function cannot be taken of a field of that type.
    #[error("feature `{feature}` cannot take {function} of `{field}`, which holds {found}")]
    FieldType {
        /// The feature.
        feature: String,
        /// The function, for instance `sum`.
        function: &'static str,
        /// The field.
        field: String,
        /// Its type.
        found: DataType,
    },
    /// A definition of a view contradicts itself.
    #[error("feature view `{view}` is not valid: {reason}")]
    InvalidView {
        /// The view.
        view: String,
        /// What contradicts what.
        reason: String,
    },
    /// A definition of a feature contradicts itself.
    #[error("feature `{feature}` is not valid: {reason}")]
    InvalidFeature {
        /// The feature.
        feature: String,
        /// What contradicts what.
        reason: String,
    },
    /// A service without a feature computes nothing.
    #[error("service `{service}` has no features")]
    EmptyService {
        /// The service.
        service: String,
    },
    /// Two output columns would have the same name.
    #[error("`{name}` is {first} and also {second}; rename one")]
    NameCollision {
        /// The name that is taken twice.
        name: String,
        /// What has it first.
        first: String,
        /// What wants it as well.
        second: String,
    },
    /// A view of that name exists with another definition.
    #[error("feature view `{view}` is registered already with another definition")]
    DuplicateView {
        /// The view.
        view: String,
    },
    /// A spine lacks a key column that a view joins on.
    #[error("the spine has no key column `{column}` of view `{view}`; it has {available}")]
    SpineMissingKey {
        /// The view.
        view: String,
        /// The key column.
        column: String,
        /// The columns that are there.
        available: String,
    },
    /// A spine holds a key in another type than the view.
    #[error("key column `{column}` of the spine holds {found}, view `{view}` has {expected}")]
    SpineKeyType {
        /// The view.
        view: String,
        /// The key column.
        column: String,
        /// The type in the view.
        expected: DataType,
        /// The type in the spine.
        found: DataType,
    },
    /// A spine has no event time.
    #[error("the spine has no event time column; it has {available}")]
    SpineMissingTime {
        /// The columns that are there.
        available: String,
    },
    /// A spine sees more of a source than may be held.
    #[error(
        "the spine sees more than {limit} rows of view `{view}`; raise `rows_limit` or ask for fewer keys at once"
    )]
    ScanTooLarge {
        /// The view.
        view: String,
        /// The rows that may be held.
        limit: usize,
    },
    /// An entity key has another shape than the entity that it is looked up in.
    #[error("key ({key}) does not fit entity `{entity}`: {reason}")]
    KeyShape {
        /// The entity.
        entity: String,
        /// The key as text.
        key: String,
        /// What differs.
        reason: String,
    },
    /// Rows for a view do not have its columns.
    #[error("rows do not fit feature view `{view}`: {reason}")]
    ViewMismatch {
        /// The view.
        view: String,
        /// What differs.
        reason: String,
    },
    /// Somebody may not read a column.
    #[error("`{principal}` may not read `{column}` of feature view `{view}`: {reason}")]
    AccessDenied {
        /// Who asked.
        principal: String,
        /// The view.
        view: String,
        /// The column; the event time where events as such were asked for.
        column: String,
        /// Why not.
        reason: &'static str,
    },
    /// Something is encrypted under a key that was not given.
    #[error("{what} of `{place}` is encrypted under key `{key}`, which was not given")]
    MissingKey {
        /// The file, or the view of a value.
        place: String,
        /// The column, or what else it is.
        what: String,
        /// The name of the key.
        key: String,
    },
    /// Encrypted bytes are not what was written, or were written elsewhere or under another key.
    #[error(
        "{what} of `{place}` cannot be decrypted: another key, another place, or altered bytes"
    )]
    Undecryptable {
        /// The file, or the view of a value.
        place: String,
        /// The column, or what else it is.
        what: String,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    Random,
    /// Something could not be written.
    #[error("`{place}` could not be written")]
    Write {
        /// The file, or what it is to be.
        place: String,
        /// What the operating system or the encoder said.
        source: std::io::Error,
    },
    /// A catalog does not know what was named.
    #[error("the catalog has no {sort} `{name}`; there is {available}")]
    NotInCatalog {
        /// What was looked for, for instance `view`.
        sort: &'static str,
        /// The name that was given.
        name: String,
        /// The names that are there.
        available: String,
    },
    /// A stored catalog is none, or does not have the content that its digests name.
    #[error("catalog `{place}` cannot be read: {reason}")]
    BrokenCatalog {
        /// The file; empty for one that came as bytes.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A sum of whole numbers does not fit 64 bits.
    #[error("feature `{feature}` overflows 64 bits at {at}")]
    SumOverflow {
        /// The feature.
        feature: String,
        /// The instant that was asked for.
        at: mlops_core::EventTime,
    },
    /// An online store did not do what it was asked to.
    #[error("online store {store} could not {action} `{table}`: {reason}")]
    OnlineStore {
        /// The kind of store.
        store: &'static str,
        /// What was being done.
        action: &'static str,
        /// The table, which is the view's name and the digest of its definition.
        table: String,
        /// What the store said.
        reason: String,
    },
    /// Others changed a key each time that it was about to be written.
    #[error("key ({key}) of `{table}` was changed by others {attempts} times in a row")]
    OnlineContention {
        /// The table.
        table: String,
        /// The key as text.
        key: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The bytes that an online store has for a key are not what was written.
    #[error("the online state of key ({key}) of view `{view}` is not readable: {reason}")]
    OnlineState {
        /// The view.
        view: String,
        /// The key as text.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A feature looks back further than the online table of its view.
    #[error(
        "feature `{feature}` looks back further than the {kept} that view `{view}` keeps online"
    )]
    NotServed {
        /// The feature.
        feature: String,
        /// The view.
        view: String,
        /// The longest window that is kept.
        kept: String,
    },
    /// Something needs an online store, and there is none.
    #[error("there is no online store to {action} view `{view}`")]
    NoOnlineStore {
        /// What was to be done.
        action: &'static str,
        /// The view.
        view: String,
    },
    /// A view is being materialised by somebody else.
    #[error("view `{view}` is being materialised already")]
    Materializing {
        /// The view.
        view: String,
    },
    /// A range of time ends before it begins.
    #[error("view `{view}` cannot be materialised from {start} to {end}: it ends before it begins")]
    EmptyRange {
        /// The view.
        view: String,
        /// Where it was to begin.
        start: mlops_core::EventTime,
        /// Where it was to end.
        end: mlops_core::EventTime,
    },
    /// An incremental run has nothing to go on from.
    #[error("view `{view}` was never materialised and has no TTL: state where to begin")]
    NoHistory {
        /// The view.
        view: String,
    },
    /// What a store keeps about its materialisations is not readable.
    #[error("the record of the materialisations of view `{view}` is not readable: {reason}")]
    Ledger {
        /// The view.
        view: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a feature store could not be read or written.
    #[error("`{path}` could not be {action}")]
    File {
        /// What was being done, for instance `written`.
        action: &'static str,
        /// The file.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A directory is open in another feature store.
    #[error("feature store `{path}` is open elsewhere")]
    StoreLocked {
        /// The directory.
        path: String,
    },
    /// A file of a feature store is not what was written.
    #[error("`{path}` is damaged: {reason}")]
    DamagedFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A directory holds events of a view under another definition.
    #[error("`{path}` holds events of view `{view}` under another definition")]
    ForeignView {
        /// The directory.
        path: String,
        /// The view.
        view: String,
    },
    /// A push source was named that is not registered.
    #[error("push source `{source_name}` is not registered; there is {available}")]
    UnknownSource {
        /// The source that was asked for.
        source_name: String,
        /// The sources that are there.
        available: String,
    },
    /// A push source of that name stands for other views.
    #[error("push source `{source_name}` is registered already for other views")]
    DuplicateSource {
        /// The source.
        source_name: String,
    },
    /// A push names a column of event ids that cannot be one.
    #[error("column `{column}` cannot tell events of view `{view}` apart: {reason}")]
    EventId {
        /// The view.
        view: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A log of served features does not have what a replay needs.
    #[error("the serving log does not fit service `{service}`: {reason}")]
    ServingLog {
        /// The service.
        service: String,
        /// What differs.
        reason: String,
    },
    /// Bytes that should hold a sketch or a partial aggregate do not.
    #[error("the bytes hold no {what}: {reason}")]
    BrokenState {
        /// What was to be read.
        what: &'static str,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// Two sketches or partial aggregates measure different things.
    #[error("{what} cannot be merged: {reason}")]
    UnlikeStates {
        /// What was to be merged.
        what: &'static str,
        /// What differs.
        reason: &'static str,
    },
    /// A text is no expression.
    #[error("the expression breaks at character {position}: {reason}")]
    ExpressionSyntax {
        /// The character, counted from 1.
        position: usize,
        /// What is wrong there.
        reason: String,
    },
    /// An expression makes no sense over its columns.
    #[error("transform `{transform}` is not valid: {reason}")]
    InvalidTransform {
        /// The transform's name, or the expression.
        transform: String,
        /// Which part of it is wrong, and how.
        reason: String,
    },
    /// A function for expressions contradicts itself or another.
    #[error("function `{function}` is not valid: {reason}")]
    InvalidFunction {
        /// The function.
        function: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Columns or values do not fit the expression that was compiled for others.
    #[error("column `{column}` of `{transform}` is {found}, it must be {expected}")]
    TransformInput {
        /// The transform's name, or the expression.
        transform: String,
        /// The column; `*` for all.
        column: String,
        /// What the expression was compiled for.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// A row of a transform has no value, not even null.
    #[error("`{transform}` has no value{}: {reason}", in_row(*.row))]
    TransformFailed {
        /// The transform's name, or the expression.
        transform: String,
        /// The row, counted from 0; none if there is but one.
        row: Option<usize>,
        /// What overflowed, could not be cast, or broke.
        reason: String,
    },
    /// Request data that transforms need is not there.
    #[error("service `{service}` needs the request column `{column}`; there is {available}")]
    MissingRequest {
        /// The service.
        service: String,
        /// The column that was declared.
        column: String,
        /// What the spine or the request has.
        available: String,
    },
    /// A batch of online reads has another number of requests than of keys.
    #[error("there are {requests} requests for {keys} keys")]
    RequestCount {
        /// The keys.
        keys: usize,
        /// The requests.
        requests: usize,
    },
    /// Request data is of another type than it was declared with.
    #[error("request column `{column}` of service `{service}` is {found}, it must be {expected}")]
    RequestType {
        /// The service.
        service: String,
        /// The column.
        column: String,
        /// The type that was declared.
        expected: String,
        /// What the spine or the request has.
        found: String,
    },
    /// An Arrow kernel refused.
    #[error("arrow could not {action}")]
    Arrow {
        /// What was being done.
        action: &'static str,
        /// Arrow's own error.
        source: arrow::error::ArrowError,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn in_row(row: Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!(" in row {row}"))
}
