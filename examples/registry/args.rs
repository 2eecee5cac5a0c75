//! The command line: a table of commands, checked before a file is opened.

use std::{collections::BTreeMap, fmt::Write};

/// A command: its words, its flags, and what it does.
struct Command {
    name: &'static str,
    /// The words that follow; one in brackets may be left out.
    words: &'static [&'static str],
    /// Flags, with the name of their value if they take one.
    flags: &'static [(&'static str, Option<&'static str>)],
    does: &'static str,
}

const WHY: (&str, Option<&str>) = ("--why", Some("TEXT"));
const EVIDENCE: (&str, Option<&str>) = ("--evidence", Some("FILE"));

const HTML: (&str, Option<&str>) = ("--html", Some("FILE"));

const COMMANDS: [Command; 23] = [
    command("list", &[], &[], "all models with what serves"),
    command(
        "show",
        &["MODEL[/V|@ALIAS]"],
        &[],
        "a model with its versions, or one version",
    ),
    command(
        "compare",
        &["MODEL", "V", "W"],
        &[HTML],
        "two versions side by side, or as a page in a new file",
    ),
    command(
        "request",
        &["MODEL", "V", "STAGE"],
        &[WHY, EVIDENCE],
        "asks that a version enter a stage; others sign it off",
    ),
    command(
        "requests",
        &["[MODEL]"],
        &[],
        "the requests of a model, or the open ones of all",
    ),
    command("approve", &["REQUEST"], &[WHY], "signs a request off"),
    command("reject", &["REQUEST"], &[WHY], "refuses a request"),
    command("withdraw", &["REQUEST"], &[WHY], "takes a request back"),
    command(
        "complete",
        &["REQUEST"],
        &[],
        "carries a request out, if all that the policy asks for holds",
    ),
    command(
        "promote",
        &["MODEL", "V"],
        &[WHY, EVIDENCE, ("--gate", Some("FILE"))],
        "brings a version into production: by its open request, through a gate, or by hand where no policy forbids it",
    ),
    command(
        "rollback",
        &["MODEL"],
        &[WHY],
        "brings back the version that was in production before",
    ),
    command("alias list", &["MODEL"], &[], "the aliases of a model"),
    command(
        "alias set",
        &["MODEL", "ALIAS", "V"],
        &[],
        "points an alias at a version",
    ),
    command(
        "alias delete",
        &["MODEL", "ALIAS"],
        &[],
        "takes an alias away",
    ),
    command("policy show", &[], &[], "the policy in force"),
    command(
        "policy set",
        &["FILE"],
        &[WHY],
        "puts the policy in a JSON file in force",
    ),
    command(
        "audit",
        &["[MODEL]"],
        &[],
        "what was done, by whom, when and why",
    ),
    command(
        "verify-audit",
        &[],
        &[("--export", Some("FILE"))],
        "finds any entry that was changed, removed or moved; writes the trail to a new file",
    ),
    command(
        "gc",
        &[],
        &[("--dry-run", None), ("--grace", Some("SPAN"))],
        "removes artifacts that nothing refers to, older than the grace period (default 7d)",
    ),
    command(
        "runs",
        &[],
        &[
            ("--experiment", Some("NAME")),
            ("--filter", Some("TEXT")),
            ("--order-by", Some("KEY")),
            ("--limit", Some("N")),
            ("--page", Some("TOKEN")),
        ],
        "runs, filtered as MLflow does and with OR, NOT and parentheses",
    ),
    command(
        "report",
        &[],
        &[
            HTML,
            ("--experiment", Some("NAME")),
            ("--filter", Some("TEXT")),
            ("--order-by", Some("KEY")),
        ],
        "an experiment as a page in a new file: its runs, and the first of them side by side",
    ),
    command(
        "import",
        &["URL"],
        &[("--artifacts", Some("DIR"))],
        "takes MLflow over: a server at http://…, a database by its path or as sqlite:///mlflow.db; with the artifacts that the server hands out, or below a folder",
    ),
    command(
        "export",
        &["URL"],
        &[
            ("--all", None),
            ("--experiment", Some("NAME")),
            ("--run", Some("ID")),
            ("--model", Some("NAME")),
        ],
        "makes experiments, runs and registered models again on a server of MLflow's REST API at http://…",
    ),
];

const fn command(
    name: &'static str,
    words: &'static [&'static str],
    flags: &'static [(&'static str, Option<&'static str>)],
    does: &'static str,
) -> Command {
    Command {
        name,
        words,
        flags,
        does,
    }
}

/// What the command line says.
#[derive(Debug)]
pub struct Args {
    /// The database of a registry of its own.
    pub url: Option<String>,
    /// Where a shared registry lies.
    pub store: Option<String>,
    /// Where the index of a shared one is kept.
    pub dir: Option<String>,
    pub actor: Option<String>,
    pub json: bool,
    pub command: &'static str,
    pub words: Vec<String>,
    flags: BTreeMap<&'static str, Vec<String>>,
}

impl Args {
    /// Reads the arguments; `None` if they ask for help.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut url, mut store, mut dir) = (None, None, None);
        let (mut actor, mut json) = (None, false);
        let (mut words, mut found) = (Vec::new(), Vec::new());
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--json" => json = true,
                "--as" => actor = Some(value()?),
                "--dir" | "--url" if url.is_some() || dir.is_some() => {
                    return Err("one of --dir and --url is enough".to_owned());
                }
                "--dir" => dir = Some(value()?),
                "--url" => url = Some(value()?),
                "--store" => store = Some(value()?),
                flag if flag.starts_with("--") => {
                    let known = COMMANDS.iter().flat_map(|command| command.flags);
                    let Some((name, takes)) = known.into_iter().find(|(name, _)| *name == flag)
                    else {
                        return Err(format!("`{flag}` is no option of this program; see --help"));
                    };
                    let value = takes.map(|_| value()).transpose()?.unwrap_or_default();
                    found.push((*name, value));
                }
                _ => words.push(word),
            }
        }
        let command = find(&mut words)?;
        let mut flags: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (name, value) in found {
            if !command.flags.iter().any(|(flag, _)| *flag == name) {
                return Err(format!("`{}` takes no {name}; see --help", command.name));
            }
            flags.entry(name).or_default().push(value);
        }
        let mut needed = command.words.iter().filter(|word| !word.starts_with('['));
        if let Some(missing) = needed.nth(words.len()) {
            return Err(format!("`{}` needs {missing}; see --help", command.name));
        }
        if let Some(much) = words.get(command.words.len()) {
            return Err(format!(
                "`{much}` is one word too many for `{}`",
                command.name
            ));
        }
        match (&url, &dir, &store) {
            (None, None, None) => {
                return Err("--dir, --url or --store is missing; see --help".to_owned());
            }
            (Some(_), _, Some(_)) => return Err("one of --url and --store is enough".to_owned()),
            (None, Some(dir), None) => url = Some(format!("sqlite://{dir}/mlops.db")),
            _ => {}
        }
        Ok(Some(Self {
            url,
            store,
            dir,
            actor,
            json,
            command: command.name,
            words,
            flags,
        }))
    }

    /// A word that the command needs.
    pub fn word(&self, at: usize) -> &str {
        &self.words[at]
    }

    /// The last value of a flag.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags(name).last().map(String::as_str)
    }

    /// All values of a flag.
    pub fn flags(&self, name: &str) -> &[String] {
        self.flags.get(name).map_or(&[], Vec::as_slice)
    }

    /// What `--why` says.
    pub fn why(&self) -> &str {
        self.flag("--why").unwrap_or_default()
    }
}

/// Takes the command off the words.
fn find(words: &mut Vec<String>) -> Result<&'static Command, String> {
    let Some(first) = words.first() else {
        return Err("a command is missing; see --help".to_owned());
    };
    let two = words.get(1).map(|second| format!("{first} {second}"));
    let named = |name: &str| COMMANDS.iter().find(|command| command.name == name);
    let found = two.and_then(|two| named(&two)).or_else(|| named(first));
    if let Some(command) = found {
        words.drain(..command.name.split(' ').count());
        return Ok(command);
    }
    let group = format!("{first} ");
    let of_group = COMMANDS
        .iter()
        .filter_map(|command| command.name.strip_prefix(&group));
    let of_group: Vec<&str> = of_group.collect();
    if of_group.is_empty() {
        return Err(format!("`{first}` is no command; see --help"));
    }
    Err(format!("`{first}` needs one of {}", of_group.join(", ")))
}

/// All that there is to know.
pub fn help() -> String {
    let mut help = String::from(
        "Models, requests, runs and the audit trail of a registry.\n\n\
         usage: registry --dir DIR|--url URL|--store URL [--as WHO] [--json] COMMAND …\n\n\
         \x20 --dir DIR  the directory of the registry, as `tracking_server --dir` has it\n\
         \x20 --url URL  the registry, for instance sqlite:///var/lib/mlops.db\n\
         \x20 --store URL  a registry that machines share, at s3://bucket/path or file:///path; --dir keeps an index of it\n\
         \x20 --as WHO   who acts; the trail and the policy name them (default mlops)\n\
         \x20 --json     answers as one JSON value\n",
    );
    for command in &COMMANDS {
        let mut line = command.name.to_owned();
        for word in command.words {
            line = format!("{line} {word}");
        }
        for (flag, value) in command.flags {
            line = match value {
                Some(value) => format!("{line} [{flag} {value}]"),
                None => format!("{line} [{flag}]"),
            };
        }
        writeln!(help, "\n  {line}\n      {}", command.does).expect("a string takes all");
    }
    help.push_str("\nA REQUEST is a model and a number, for instance churn#3.");
    help
}
