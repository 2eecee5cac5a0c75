//! A page on its way out, and what a browser is told to allow it: its own style and its own forms, nothing else.

use std::sync::OnceLock;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use mlops_report::{Callout, Link, Page, Section, Tone};
use sha2::{Digest, Sha256};

use super::view::menu;
use crate::tracking::failure::{Code, Failure};

/// Whether a path is one of a page, where a browser asks and not a client of the API.
pub(in crate::tracking) fn is_page(path: &str) -> bool {
    path == "/" || path == "/ui" || path.starts_with("/ui/")
}

/// What a page may do: show itself with the one style that it brings, and ask this server for the next page.
pub(in crate::tracking) fn guard(headers: &mut HeaderMap) {
    let fixed = [
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        HeaderName::from_static("content-security-policy"),
        content_policy().clone(),
    );
}

fn content_policy() -> &'static HeaderValue {
    static POLICY: OnceLock<HeaderValue> = OnceLock::new();
    POLICY.get_or_init(|| {
        let hash = STANDARD.encode(Sha256::digest(Page::style().as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        HeaderValue::try_from(policy).expect("a hash in base 64 may stand in a header")
    })
}

/// An error as a page.
pub(in crate::tracking) fn failure(failure: &Failure) -> Response<Body> {
    let status = failure.code.status();
    let (title, advice) = match failure.code {
        Code::Unauthenticated => (
            "Who are you?",
            "Your browser asks for your name and your password. Tokens are for programs.",
        ),
        Code::PermissionDenied => (
            "Not for you",
            "Whoever runs the server can give you the right.",
        ),
        Code::ResourceDoesNotExist | Code::EndpointNotFound => ("Nothing here", ""),
        _ => ("That did not work", ""),
    };
    let section = Section::new()
        .add(Callout::new(Tone::Bad, title, plain(&failure.message)))
        .paragraph(advice)
        .links([Link::new("All experiments", "/")]);
    let html = Page::new(title)
        .menu(menu())
        .section(format!("Status {}", status.as_u16()), section)
        .render();
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    guard(headers);
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    // only here, where a browser asks its reader: clients of the API bring their name by themselves
    if failure.code == Code::Unauthenticated {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"mlops\", charset=\"UTF-8\""),
        );
    }
    if failure.may_pass() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What clients are told to do about a missing name means nothing to a reader.
fn plain(message: &str) -> &str {
    message
        .split(". Please set MLFLOW")
        .next()
        .unwrap_or(message)
}
