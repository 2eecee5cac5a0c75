//! The command line, checked before a file is opened.

use std::{collections::BTreeMap, path::PathBuf};

use crate::data::Task;

pub const HELP: &str = "\
Fits a model on one file, judges it on another, and writes it as a package that `predict` and a server read.

usage: train --train FILE --test FILE --target COL --trainer NAME --out DIR [--param KEY=VALUE …] [--seed N] …

  --train FILE      the rows to fit on: .csv, .csv.gz or .parquet
  --test FILE       the rows to judge on, with the same columns
  --target COL      the label: two values are two classes of which the later one in the alphabet is positive,
                    more texts are classes, more numbers a number
  --task KIND       classes or regression, where the values say otherwise (default auto)
  --trainer NAME    see the list below
  --param KEY=VALUE a setting of the trainer, as often as there are some
  --out DIR         where the package goes; it must not be there yet
  --seed N          where all that is random begins (default 0)
  --weight COL      how much each row counts
  --drop COL,COL    columns that are no features
  --null TEXT       a text that stands for no value, as often as there are some (an empty field always does)
  --json            print one JSON object instead of a table
  --quiet           no progress

Texts are categories. Columns are read as all their values can be: booleans, whole numbers, real numbers, texts.
";

#[derive(Debug)]
pub struct Args {
    pub train: PathBuf,
    pub test: PathBuf,
    pub target: String,
    pub task: Task,
    pub trainer: String,
    pub params: BTreeMap<String, String>,
    pub out: PathBuf,
    pub seed: u64,
    pub weight: Option<String>,
    pub drop: Vec<String>,
    pub nulls: Vec<String>,
    pub json: bool,
    pub quiet: bool,
}

impl Args {
    /// Reads the arguments; `None` if help was asked for.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut train, mut test, mut target, mut trainer, mut out) =
            (None, None, None, None, None);
        let mut args = Self {
            train: PathBuf::new(),
            test: PathBuf::new(),
            target: String::new(),
            task: Task::Auto,
            trainer: String::new(),
            params: BTreeMap::new(),
            out: PathBuf::new(),
            seed: 0,
            weight: None,
            drop: Vec::new(),
            nulls: Vec::new(),
            json: false,
            quiet: false,
        };
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--json" => args.json = true,
                "--quiet" => args.quiet = true,
                "--train" => train = Some(PathBuf::from(value()?)),
                "--test" => test = Some(PathBuf::from(value()?)),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--target" => target = Some(value()?),
                "--trainer" => trainer = Some(value()?),
                "--weight" => args.weight = Some(value()?),
                "--null" => args.nulls.push(value()?),
                "--drop" => args.drop.extend(value()?.split(',').map(str::to_owned)),
                "--seed" => {
                    let text = value()?;
                    let seed = text.parse();
                    args.seed = seed
                        .map_err(|_| format!("--seed is `{text}`, a whole number is expected"))?;
                }
                "--task" => {
                    args.task = match value()?.as_str() {
                        "auto" => Task::Auto,
                        "classes" => Task::Classes,
                        "regression" => Task::Regression,
                        other => {
                            return Err(format!(
                                "--task is `{other}`; there is auto, classes, regression"
                            ));
                        }
                    }
                }
                "--param" => {
                    let text = value()?;
                    let (key, value) = text
                        .split_once('=')
                        .ok_or_else(|| format!("--param is `{text}`, KEY=VALUE is expected"))?;
                    if args
                        .params
                        .insert(key.to_owned(), value.to_owned())
                        .is_some()
                    {
                        return Err(format!("--param {key} is given twice"));
                    }
                }
                _ => return Err(format!("`{flag}` is no option of this program; see --help")),
            }
        }
        args.train = train.ok_or("--train is missing; see --help")?;
        args.test = test.ok_or("--test is missing; see --help")?;
        args.target = target.ok_or("--target is missing; see --help")?;
        args.trainer = trainer.ok_or("--trainer is missing; see --help")?;
        args.out = out.ok_or("--out is missing; see --help")?;
        Ok(Some(args))
    }
}
