//! The command line, checked before anything is read or written.

use std::{path::PathBuf, str::FromStr};

pub const HELP: &str = "\
Runs the whole loop on purchase events: features, training, registry, serving, drift, retraining.

usage: churn [--data FILE] [--out DIR] [--customers N] [--seed N] [--port N] [--serve]

  --data FILE     purchase lines as CSV, plain or gzip, in the columns of the Online Retail data set;
                  without it a seeded shop is simulated
  --out DIR       keep the database, the artifacts and report.html there; DIR must not exist or be empty
  --customers N   the size of the simulated shop (100 to 100000, default 2500)
  --seed N        the seed of the simulated shop and of the training (default 7)
  --port N        the port of the server on 127.0.0.1 (default 0: a free one)
  --serve         go on serving at the end until interrupted
";

#[derive(Debug)]
pub struct Args {
    pub data: Option<PathBuf>,
    pub out: Option<PathBuf>,
    pub customers: usize,
    pub seed: u64,
    pub port: u16,
    pub serve: bool,
}

impl Args {
    /// Reads the arguments; `None` if help was asked for.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut args = Self {
            data: None,
            out: None,
            customers: 2_500,
            seed: 7,
            port: 0,
            serve: false,
        };
        while let Some(flag) = words.next() {
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--serve" => args.serve = true,
                "--data" => args.data = Some(PathBuf::from(value(&flag, &mut words)?)),
                "--out" => args.out = Some(PathBuf::from(value(&flag, &mut words)?)),
                "--customers" => args.customers = number(&flag, &mut words)?,
                "--seed" => args.seed = number(&flag, &mut words)?,
                "--port" => args.port = number(&flag, &mut words)?,
                _ => return Err(format!("`{flag}` is no option of this program; see --help")),
            }
        }
        if !(100..=100_000).contains(&args.customers) {
            return Err(format!(
                "--customers is {}, it must lie in 100..=100000",
                args.customers
            ));
        }
        if let Some(out) = &args.out
            && out
                .read_dir()
                .is_ok_and(|mut entries| entries.next().is_some())
        {
            return Err(format!(
                "`{}` is not empty; an earlier run is not overwritten, choose another folder",
                out.display()
            ));
        }
        Ok(Some(args))
    }
}

fn value(flag: &str, words: &mut impl Iterator<Item = String>) -> Result<String, String> {
    words.next().ok_or_else(|| format!("{flag} needs a value"))
}

fn number<T: FromStr>(flag: &str, words: &mut impl Iterator<Item = String>) -> Result<T, String> {
    let text = value(flag, words)?;
    text.parse()
        .map_err(|_| format!("{flag} is `{text}`, a whole number is expected"))
}
