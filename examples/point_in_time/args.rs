//! The command line, checked before a file is opened.

use std::{num::NonZero, path::PathBuf};

use mlops::{
    features::{Boundary, Cutoff, ViewFile},
    prelude::Span,
};

pub const HELP: &str = "\
Joins features to a spine as they were known at each of its rows' times: no value comes from the future.

usage: point_in_time --spine FILE --view NAME=FILE[:OPTIONS] … --out FILE [--ttl SPAN] [--time COL] …

  --spine FILE      the rows that ask: .csv, .csv.gz or .parquet
  --view NAME=FILE  a feature view: a file of the same kinds, or a directory of Parquet files; as often as there
                    are views. OPTIONS follow a colon and are separated by semicolons:
                      key=COL,COL    the key columns, of the same names in the spine, or SPINE=VIEW;
                                     without it, the columns that both have in common, times apart;
                                     `key=` with nothing joins on time alone
                      time=COL       the event time (default event_timestamp)
                      created=COL    the created time, which breaks ties: the newer wins
                      columns=COL,…  the features (default: all columns that are neither key nor time)
                      ttl=SPAN       in place of --ttl
  --out FILE        .parquet, .csv or .csv.gz; it is replaced whole, or not at all
  --ttl SPAN        how old a row may be, for instance 90d, 12h, 30m, 45s; 0d is for ever, as no --ttl is
  --time COL        the time column of the spine (default event_timestamp)
  --as-known-at     hide rows that were created after the spine row's time (views with created= only)
  --exclusive       an event at the very instant of the spine row is not seen
  --threads N       default: all cores; the result is the same with any number
  --json            print the summary as JSON
  --quiet           no progress

The output has the spine's columns, then NAME__COLUMN for each view, and the spine's rows in their order.
Times without a zone are UTC. Of rows with the same key and times the later one in the file wins.
";

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch")]
pub struct Args {
    pub spine: PathBuf,
    pub time: Option<String>,
    pub views: Vec<ViewArg>,
    pub out: PathBuf,
    pub ttl: Option<Span>,
    pub as_known_at: bool,
    pub exclusive: bool,
    pub threads: Option<NonZero<usize>>,
    pub json: bool,
    pub quiet: bool,
}

/// What one `--view` says.
#[derive(Debug, Default)]
pub struct ViewArg {
    name: String,
    file: PathBuf,
    keys: Option<Vec<(String, String)>>,
    time: Option<String>,
    created: Option<String>,
    columns: Option<Vec<String>>,
    ttl: Option<Span>,
}

impl Args {
    /// Reads the arguments; `None` if help was asked for.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut words = words.peekable();
        let (mut spine, mut out) = (None, None);
        let mut args = Self {
            spine: PathBuf::new(),
            time: None,
            views: Vec::new(),
            out: PathBuf::new(),
            ttl: None,
            as_known_at: false,
            exclusive: false,
            threads: None,
            json: false,
            quiet: false,
        };
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--as-known-at" => args.as_known_at = true,
                "--exclusive" => args.exclusive = true,
                "--json" => args.json = true,
                "--quiet" => args.quiet = true,
                "--spine" => spine = Some(PathBuf::from(value()?)),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--time" => args.time = Some(value()?),
                "--ttl" => args.ttl = Some(span(&flag, &value()?)?),
                "--threads" => {
                    let text = value()?;
                    let threads = text.parse();
                    args.threads = Some(threads.map_err(|_| {
                        format!("--threads is `{text}`, a whole number above 0 is expected")
                    })?);
                }
                "--view" => {
                    args.views.push(ViewArg::parse(&value()?)?);
                    while let Some(more) = words.next_if(|word| !word.starts_with("--")) {
                        args.views.push(ViewArg::parse(&more)?);
                    }
                }
                _ => return Err(format!("`{flag}` is no option of this program; see --help")),
            }
        }
        args.spine = spine.ok_or("--spine is missing; see --help")?;
        args.out = out.ok_or("--out is missing; see --help")?;
        if args.views.is_empty() {
            return Err("--view is missing; see --help".to_owned());
        }
        Ok(Some(args))
    }
}

impl ViewArg {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text
            .split_once('=')
            .ok_or_else(|| format!("--view is `{text}`, NAME=FILE is expected"))?;
        let mut view = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        let (file, options) = split_options(rest);
        view.file = PathBuf::from(file);
        for option in options.split(';').filter(|option| !option.is_empty()) {
            let (option, value) = option
                .split_once('=')
                .ok_or_else(|| format!("`{option}` in --view {name} is no OPTION=VALUE"))?;
            let list = || value.split(',').filter(|column| !column.is_empty());
            match option {
                "key" => {
                    let pair = |column: &str| match column.split_once('=') {
                        Some((spine, view)) => (spine.to_owned(), view.to_owned()),
                        None => (column.to_owned(), column.to_owned()),
                    };
                    view.keys = Some(list().map(pair).collect());
                }
                "time" => view.time = Some(value.to_owned()),
                "created" => view.created = Some(value.to_owned()),
                "columns" => view.columns = Some(list().map(str::to_owned).collect()),
                "ttl" => view.ttl = Some(span("ttl", value)?),
                _ => {
                    return Err(format!(
                        "`{option}` in --view {name} is no option; there is key, time, created, columns, ttl"
                    ));
                }
            }
        }
        Ok(view)
    }

    /// The view with what holds for all of them.
    pub fn open(&self, args: &Args) -> mlops::features::Result<ViewFile> {
        let mut view = ViewFile::open(&self.name, &self.file)?;
        if let Some(keys) = &self.keys {
            view = view.keys(Vec::<String>::new());
            for (spine, column) in keys {
                view = view.key_as(spine, column);
            }
        }
        if let Some(time) = &self.time {
            view = view.time(time);
        }
        if let Some(created) = &self.created {
            view = view.created(created);
        }
        if let Some(columns) = &self.columns {
            view = view.columns(columns);
        }
        if let Some(ttl) = self.ttl.or(args.ttl) {
            view = view.ttl(ttl);
        }
        if args.exclusive {
            view = view.boundary(Boundary::Exclusive);
        }
        if args.as_known_at {
            view = view.cutoff(Cutoff::CreatedTime);
        }
        Ok(view)
    }
}

/// A file name may have a colon of its own: options begin at the first one that an option's name follows.
fn split_options(text: &str) -> (&str, &str) {
    let options = ["key=", "time=", "created=", "columns=", "ttl="];
    let colons = text.match_indices(':');
    let begin = colons
        .map(|(at, _)| at)
        .find(|at| options.iter().any(|o| text[at + 1..].starts_with(o)));
    match begin {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text.strip_suffix(':').unwrap_or(text), ""),
    }
}

fn span(flag: &str, text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| format!("{flag}: {error}"))
}
