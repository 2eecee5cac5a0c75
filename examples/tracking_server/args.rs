//! The command line.

use std::path::PathBuf;

use mlops::registry::Durability;

pub const USAGE: &str = "\
usage: tracking_server --dir DIR [--port N] [--host ADDRESS] [--name NAME]… [--policy FILE] [--store URL] [--fast]
                       [--webhooks [--secret-key FILE [--old-secret-key FILE]…]] [--tls-cert FILE --tls-key FILE]

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
  --secret-key FILE
                  the key that secrets of webhooks are encrypted with, 64 hexadecimal digits; without it none has one
  --old-secret-key FILE
                  a key from before, so that what it encrypted is encrypted anew
  --tls-cert FILE, --tls-key FILE
                  speak TLS with this certificate and its key, as PEM; needs a build with feature `tls`
  --sources-elsewhere
                  take versions of models from places that are not known here, such as other people's buckets
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
    pub secret_key: Option<PathBuf>,
    pub old_secret_keys: Vec<PathBuf>,
    pub tls: Option<(PathBuf, PathBuf)>,
    pub sources_elsewhere: bool,
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
        let (mut certificate, mut key) = (None, None);
        let mut args = Self {
            dir: PathBuf::new(),
            port: 5000,
            host: "127.0.0.1".into(),
            names: Vec::new(),
            policy: None,
            store: None,
            durability: Durability::Full,
            webhooks: Webhooks::Off,
            secret_key: None,
            old_secret_keys: Vec::new(),
            tls: None,
            sources_elsewhere: false,
        };
        while let Some(flag) = given.next() {
            let mut value = || given.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--fast" => args.durability = Durability::Normal,
                "--webhooks" => args.webhooks = Webhooks::Https,
                "--webhooks-on-loopback" => args.webhooks = Webhooks::LoopbackToo,
                "--sources-elsewhere" => args.sources_elsewhere = true,
                "--secret-key" => args.secret_key = Some(value()?.into()),
                "--old-secret-key" => args.old_secret_keys.push(value()?.into()),
                "--tls-cert" => certificate = Some(PathBuf::from(value()?)),
                "--tls-key" => key = Some(PathBuf::from(value()?)),
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
        args.tls = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("--tls-cert and --tls-key go together".to_owned()),
        };
        if args.secret_key.is_none() && !args.old_secret_keys.is_empty() {
            return Err("--old-secret-key needs --secret-key".to_owned());
        }
        args.dir = dir.ok_or("--dir is missing")?;
        Ok(Some(args))
    }
}
