//! The command line.

use std::path::PathBuf;

use mlops::registry::Durability;

pub const USAGE: &str = "\
usage: tracking_server --dir DIR [--port N] [--host ADDRESS] [--name NAME]… [--policy FILE] [--store URL] [--fast] [--webhooks]

  --dir DIR       where the database, the artifacts and first tokens are kept
  --port N        the port, 5000 by default; 0 takes a free one
  --host ADDRESS  the address to listen on, 127.0.0.1 by default; any other needs --policy
  --name NAME     a name under which clients reach the server, besides IP addresses and localhost
  --policy FILE   who may do what, as JSON; without it everybody on this machine may do everything
  --store URL     the registry, sqlite://DIR/mlops.db by default; at s3://bucket/path or file:///path other servers
                  may serve the same, and DIR holds an index of it
  --webhooks      tell webhooks of changes of models, over https; needs a build with feature `webhooks`
  --webhooks-on-loopback
                  the same, and http to this machine, for tests
  --fast          a power cut may take the last moments of runs, a killed process never does";

/// What the command line says.
#[derive(Debug)]
pub struct Args {
    pub dir: PathBuf,
    pub port: u16,
    pub host: String,
    pub names: Vec<String>,
    pub policy: Option<PathBuf>,
    pub store: Option<String>,
    pub durability: Durability,
    pub webhooks: Webhooks,
}

/// Whether webhooks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhooks {
    Off,
    Https,
    LoopbackToo,
}

impl Args {
    /// Reads the arguments; `None` if they ask for help.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut dir = None;
        let mut args = Self {
            dir: PathBuf::new(),
            port: 5000,
            host: "127.0.0.1".into(),
            names: Vec::new(),
            policy: None,
            store: None,
            durability: Durability::Full,
            webhooks: Webhooks::Off,
        };
        while let Some(flag) = given.next() {
            let mut value = || given.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--fast" => args.durability = Durability::Normal,
                "--webhooks" => args.webhooks = Webhooks::Https,
                "--webhooks-on-loopback" => args.webhooks = Webhooks::LoopbackToo,
                "--dir" => dir = Some(PathBuf::from(value()?)),
                "--port" => {
                    let text = value()?;
                    args.port = text
                        .parse()
                        .map_err(|_| format!("--port: `{text}` is not a port"))?;
                }
                "--host" => args.host = value()?,
                "--name" => args.names.push(value()?),
                "--policy" => args.policy = Some(value()?.into()),
                "--store" => args.store = Some(value()?),
                _ => return Err(format!("`{flag}` is not an argument")),
            }
        }
        args.dir = dir.ok_or("--dir is missing")?;
        Ok(Some(args))
    }
}
