//! An artifact on its way out: always a file to save, never a page to show.

use std::{fmt, fmt::Write, io::Read};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header},
};

use crate::tracking::body::from_reader;

/// An artifact to be sent.
pub(in super::super) struct Download {
    name: String,
    size: u64,
    content: Box<dyn Read + Send>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Download {
    /// The last piece of the path names the file.
    pub(in super::super) fn new(path: &str, size: u64, content: Box<dyn Read + Send>) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Self {
            name,
            size,
            content,
        }
    }

    /// The response; called within the runtime.
    pub(in super::super) fn response(self) -> Response<Body> {
        let disposition = HeaderValue::try_from(disposition(&self.name))
            .unwrap_or_else(|_| HeaderValue::from_static("attachment"));
        let mut response = Response::new(from_reader(self.content, self.size));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_DISPOSITION, disposition);
        let fixed = [
            (header::CONTENT_TYPE, "application/octet-stream"),
            (
                HeaderName::from_static("content-security-policy"),
                "sandbox; default-src 'none'",
            ),
            (HeaderName::from_static("x-content-type-options"), "nosniff"),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
            (header::CACHE_CONTROL, "private, no-store"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The name as RFC 6266 has it: everything but letters, digits and a few marks is percent-encoded.
fn disposition(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        let cases = [
            ("model.onnx", "model.onnx"),
            ("a b\".html", "a%20b%22.html"),
            ("ä;x=1\r\n", "%C3%A4%3Bx%3D1%0D%0A"),
        ];
        for (name, expect) in cases {
            assert_eq!(
                disposition(name),
                format!("attachment; filename*=UTF-8''{expect}")
            );
        }
    }
}
