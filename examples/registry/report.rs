//! Pages of the tracking server as files: an experiment, and two versions of a model.

use mlops::registry::Registry;

use crate::{Answer, Result, args::Args};

#[cfg(feature = "tracking")]
pub fn experiment(registry: &Registry, args: &Args) -> Result<Answer> {
    use mlops::registry::ExperimentName;

    let name = args
        .flag("--experiment")
        .ok_or("`report` needs --experiment; see --help")?;
    let name = ExperimentName::new(name)?;
    let id = registry.tracking().experiment_named(&name)?.id;
    let filter = args.flag("--filter").unwrap_or_default();
    let html = mlops::serve::TrackingReport::new(registry).experiment(
        id,
        filter,
        args.flag("--order-by"),
    )?;
    write(args, &html)
}

#[cfg(feature = "tracking")]
pub fn versions(registry: &Registry, args: &Args) -> Result<Answer> {
    use crate::{model_named, version_number};

    let model = model_named(args.word(0))?;
    let (left, right) = (version_number(args.word(1))?, version_number(args.word(2))?);
    let html = mlops::serve::TrackingReport::new(registry).versions(&model, left, right)?;
    write(args, &html)
}

/// Writes a file that must not be there yet.
#[cfg(feature = "tracking")]
fn write(args: &Args, html: &str) -> Result<Answer> {
    use std::{fs::File, io::Write};

    let path = args
        .flag("--html")
        .ok_or("`report` needs --html; see --help")?;
    let written = File::create_new(path).and_then(|mut file| file.write_all(html.as_bytes()));
    written.map_err(|error| format!("`{path}`: {error}"))?;
    Answer::new(
        format!("wrote `{path}`"),
        serde_json::json!({ "file": path, "bytes": html.len() }),
    )
}

#[cfg(not(feature = "tracking"))]
pub fn experiment(_: &Registry, _: &Args) -> Result<Answer> {
    Err("pages need a build with feature `tracking`".into())
}

#[cfg(not(feature = "tracking"))]
pub fn versions(_: &Registry, _: &Args) -> Result<Answer> {
    Err("pages need a build with feature `tracking`".into())
}
