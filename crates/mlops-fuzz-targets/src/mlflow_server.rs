//! No answers of a server make an import panic or go on for ever, and a registry that took them over is sound.
//!
//! The bytes are split at NULs. A piece that reads as JSON is the answer to the next request, and any piece is the
//! content of the next download; when there is none left, the server says no.

use std::{
    collections::VecDeque,
    io::Read,
    sync::{Arc, Mutex},
};

use mlops_registry::{MlflowImport, MlflowRefusal, MlflowRequest, MlflowServer, Registry};
use serde_json::Value;

/// The most requests of a run.
const REQUESTS: usize = 200;

#[derive(Debug)]
struct Server {
    pieces: Mutex<VecDeque<Vec<u8>>>,
}

impl Server {
    fn next(&self) -> Result<Vec<u8>, MlflowRefusal> {
        let piece = self.pieces.lock().expect("nobody panics").pop_front();
        piece.ok_or_else(|| MlflowRefusal {
            status: Some(404),
            code: "RESOURCE_DOES_NOT_EXIST".into(),
            message: "it is over".into(),
        })
    }
}

impl MlflowServer for Server {
    fn call(&self, _: &MlflowRequest) -> Result<Value, MlflowRefusal> {
        let piece = self.next()?;
        Ok(serde_json::from_slice(&piece).unwrap_or_default())
    }

    fn upload(&self, path: &str, _: &mut dyn Read) -> Result<(), MlflowRefusal> {
        panic!("an import sends {path}")
    }

    fn download(&self, path: &str) -> Result<Box<dyn Read + '_>, MlflowRefusal> {
        assert!(!path.contains("/../") && !path.contains("//"), "{path}");
        let piece = self.next()?;
        Ok(Box::new(std::io::Cursor::new(piece)))
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let pieces = data.split(|byte| *byte == 0).take(REQUESTS);
    let server = Arc::new(Server {
        pieces: Mutex::new(pieces.map(<[u8]>::to_vec).collect()),
    });
    let registry = Registry::memory().expect("a registry in memory");
    let imported = MlflowImport::from_server(server).into_registry(&registry);
    if let Err(error) = &imported {
        let _ = (error.to_string(), error.kind());
    }
    registry.verify_audit().expect("the trail is sound");
}
