//! What a request must look like before anybody is asked who they are: where it was sent and by which page.
//!
//! A page on another site can make a browser send requests here. It cannot choose the `Host` (under DNS
//! rebinding that is the page's own name), the `Origin` or the `Sec-Fetch-Site` that the browser states, and
//! it cannot state `Content-Type: application/json` without asking first, which is never granted.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};

use super::failure::{Code, Failure, Outcome};

/// The names under which the server may be addressed, apart from IP addresses and `localhost`.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts(BTreeSet<String>);

impl Hosts {
    pub(super) fn add(&mut self, name: &str) {
        self.0.insert(name.to_ascii_lowercase());
    }

    /// Refuses what a browser was tricked into sending.
    pub(super) fn check(&self, parts: &Parts) -> Outcome<()> {
        let authority = match parts.uri.authority() {
            Some(authority) => authority.as_str(),
            None => only(&parts.headers, &header::HOST)?.ok_or_else(|| {
                Failure::new(Code::BadRequest, "The request does not state a Host")
            })?,
        };
        if !self.is_ours(name_of(authority)) {
            return Err(Failure::denied(
                "Invalid Host header: the server is not known by that name. It is named when it is \
                 started.",
            ));
        }
        let foreign = || Failure::denied("Cross-origin requests are not answered");
        if let Some(origin) = only(&parts.headers, &header::ORIGIN)? {
            let from = origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"))
                .ok_or_else(foreign)?;
            if !from.eq_ignore_ascii_case(authority) {
                return Err(foreign());
            }
        }
        match parts
            .headers
            .get("sec-fetch-site")
            .map(HeaderValue::as_bytes)
        {
            None | Some(b"none" | b"same-origin") => Ok(()),
            Some(_) => Err(foreign()),
        }
    }

    /// [`check`](Self::check) of a visit: a page may be the target of a link elsewhere, since it changes nothing,
    /// does not show itself in a frame, and tells the site it was linked from nothing.
    pub(super) fn check_visit(&self, parts: &Parts) -> Outcome<()> {
        let is = |name: &str, value: &[u8]| {
            let mut given = parts.headers.get_all(name).iter();
            given.next().is_some_and(|given| given.as_bytes() == value) && given.next().is_none()
        };
        let visits = is("sec-fetch-mode", b"navigate") && is("sec-fetch-dest", b"document");
        if !visits {
            return self.check(parts);
        }
        let mut visit = parts.clone();
        visit.headers.remove("sec-fetch-site");
        self.check(&visit)
    }

    fn is_ours(&self, name: &str) -> bool {
        // rebinding needs a name: whoever wrote an address meant this server
        let bracketed = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        let is_address = match bracketed {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => name.parse::<Ipv4Addr>().is_ok(),
        };
        is_address
            || name.eq_ignore_ascii_case("localhost")
            || self.0.contains(&name.to_ascii_lowercase())
    }
}

/// A header that must not be given twice.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Outcome<Option<&'a str>> {
    let twice = || {
        Failure::new(
            Code::BadRequest,
            format!("The header `{name}` cannot be read"),
        )
    };
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(twice());
    }
    first
        .map(|value| value.to_str().map_err(|_| twice()))
        .transpose()
}

/// The name in `name:port`, `[address]:port` or either without a port.
pub(super) fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !unclosed(name) => name,
        _ => authority,
    }
}

/// Whether a name leads to this machine and nowhere else.
pub(super) fn is_loopback(name: &str) -> bool {
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn unclosed(name: &str) -> bool {
    name.starts_with('[') && !name.ends_with(']')
}

/// A body, if there is one, must be stated to be JSON.
pub(super) fn check_json(headers: &HeaderMap, body: &[u8]) -> Outcome<()> {
    if body.is_empty() {
        return Ok(());
    }
    let stated = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"));
    if stated {
        return Ok(());
    }
    Err(Failure::new(
        Code::UnsupportedMediaType,
        "The body of the request must have Content-Type application/json",
    ))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn check(headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri("/health");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut hosts = Hosts::default();
        hosts.add("mlflow.example.com");
        hosts
            .check(&parts)
            .map_or_else(|failure| failure.code.status().as_u16(), |()| 200)
    }

    #[test]
    fn only_our_own_names_are_answered_under() {
        for host in [
            "127.0.0.1:5000",
            "localhost",
            "LOCALHOST:5000",
            "[::1]:5000",
            "[::1]",
            "10.1.2.3",
            "mlflow.example.com:443",
        ] {
            assert_eq!(check(&[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example.com",
            "localhost.evil.example.com",
            "evil.example.com:5000",
            "127.0.0.1.evil.example.com",
            "[::1",
            "",
        ] {
            assert_eq!(check(&[("host", host)]), 403, "{host}");
        }
        assert_eq!(check(&[]), 400);
        assert_eq!(check(&[("host", "localhost"), ("host", "evil")]), 400);
    }

    #[test]
    fn a_page_of_another_site_is_not_answered() {
        let from = |name, value| check(&[("host", "localhost:5000"), (name, value)]);
        assert_eq!(from("origin", "http://localhost:5000"), 200);
        assert_eq!(from("sec-fetch-site", "same-origin"), 200);
        assert_eq!(from("sec-fetch-site", "none"), 200);
        for origin in [
            "null",
            "http://localhost:5001",
            "https://evil.example.com",
            "file://localhost:5000",
        ] {
            assert_eq!(from("origin", origin), 403, "{origin}");
        }
        assert_eq!(from("sec-fetch-site", "cross-site"), 403);
        assert_eq!(from("sec-fetch-site", "same-site"), 403);
    }

    #[test]
    fn a_body_that_a_form_can_send_is_refused() {
        let json = |kind: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
            }
            check_json(&headers, b"{}").is_ok()
        };
        assert!(json(Some("application/json")));
        assert!(json(Some("Application/JSON; charset=utf-8")));
        for kind in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("text/plain; application/json"),
        ] {
            assert!(!json(kind), "{kind:?}");
        }
        assert!(check_json(&HeaderMap::new(), b"").is_ok());
    }
}
