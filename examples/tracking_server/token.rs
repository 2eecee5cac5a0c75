//! First tokens: a principal of the policy without a secret gets one, which is shown once and kept as its hash.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
};

use mlops::serve::{AccessToken, ServerPolicy};

use crate::AnyResult;

/// Gives every principal without a secret the token that it got at an earlier start, or a new one.
pub fn complete(mut policy: ServerPolicy, dir: &Path) -> AnyResult<ServerPolicy> {
    let tokens = dir.join("tokens");
    fs::create_dir_all(&tokens)?;
    let names: Vec<String> = policy
        .without_secrets()
        .into_iter()
        .map(str::to_owned)
        .collect();
    for name in names {
        // a name is not a file name
        let path = tokens.join(mlops::core::Digest::of(name.as_bytes()).to_string());
        let hash = match fs::read_to_string(&path) {
            Ok(hash) => hash.trim().to_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => first(&name, &path)?,
            Err(error) => return Err(error.into()),
        };
        policy = policy.with_token(&name, &hash)?;
    }
    Ok(policy)
}

fn first(name: &str, path: &Path) -> AnyResult<String> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)?;
    let token = AccessToken::from_entropy(&entropy);
    let mut file = create(path)?;
    writeln!(file, "{}", token.hash())?;
    file.sync_all()?;
    println!("token of {name}, shown this once: {}", token.secret());
    Ok(token.hash())
}

/// Makes a file that only its owner may read, and that was not there.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
