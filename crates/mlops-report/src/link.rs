//! Links within a site: the only ones that a page has.
//!
//! A link that could lead elsewhere, or that a browser could take for a script, is not written: its text stays.

use crate::escape::{escape, put};

/// A text that leads to another page of the same site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub(crate) text: String,
    pub(crate) href: String,
}

impl Link {
    /// A link to a path (`/models/churn`), a query (`?page=2`) or a place on the page (`#runs`), with everything
    /// but letters, digits and marks percent-encoded. Any other address leaves the text alone.
    ///
    /// ```
    /// use mlops_report::Link;
    ///
    /// assert!(Link::new("churn", "/models/churn").leads_somewhere());
    /// assert!(!Link::new("churn", "javascript:alert(1)").leads_somewhere());
    /// assert!(!Link::new("churn", "//example.com").leads_somewhere());
    /// ```
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        let href = href.into();
        Self {
            text: text.into(),
            href: if is_local(&href) { href } else { String::new() },
        }
    }

    /// A text that leads nowhere.
    pub fn none(text: impl Into<String>) -> Self {
        Self::new(text, "")
    }

    /// Whether it is a link and not a text alone.
    pub fn leads_somewhere(&self) -> bool {
        !self.href.is_empty()
    }

    pub(crate) fn render(&self, html: &mut String) {
        let text = escape(&self.text);
        if self.leads_somewhere() {
            put!(html, "<a href=\"{}\">{text}</a>", escape(&self.href));
        } else {
            html.push_str(&text);
        }
    }
}

/// Whether an address stays on the site: no scheme, no host, nothing that browsers drop or turn round.
fn is_local(href: &str) -> bool {
    let rooted = href.starts_with('/') && !href[1..].starts_with(['/', '\\']);
    (rooted || href.starts_with(['?', '#']))
        && href
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\`".contains(&byte))
}

/// An address with its query, as a link has it.
///
/// ```
/// use mlops_report::Address;
///
/// let page = Address::new("/ui/models").piece("churn / eu").with("sort", "a&b");
/// assert_eq!(page.to_string(), "/ui/models/churn%20%2F%20eu?sort=a%26b");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// A path that is known to be one.
    pub fn new(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// Goes one piece further; whatever it holds, it stays one piece.
    #[must_use]
    pub fn piece(mut self, piece: &str) -> Self {
        self.0.push('/');
        // a browser takes a lone dot for a direction
        if piece.bytes().all(|byte| byte == b'.') {
            self.0.push_str(&piece.replace('.', "%2E"));
        } else {
            encode(piece, &mut self.0);
        }
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        encode(name, &mut self.0);
        self.0.push('=');
        encode(value, &mut self.0);
        self
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            put!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_same_site_are_links() {
        for good in ["/", "/ui/runs/1?a=b&c=%20#x", "?page=2", "#section-1"] {
            assert!(Link::new("t", good).leads_somewhere(), "{good}");
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "http://example.com",
            "//example.com",
            "/\\example.com",
            "/\t/example.com",
            "/a b",
            "/ä",
            "/\"onclick=x",
            "runs/1",
        ] {
            let link = Link::new("<b>", bad);
            let mut html = String::new();
            link.render(&mut html);
            assert_eq!(html, "&lt;b&gt;", "{bad}");
        }
    }

    #[test]
    fn any_text_stays_one_piece_of_a_path() {
        let cases = [
            ("a", "/x/a"),
            ("a/b?c#d", "/x/a%2Fb%3Fc%23d"),
            ("..", "/x/%2E%2E"),
            ("ä\n", "/x/%C3%A4%0A"),
        ];
        for (piece, expect) in cases {
            let address = Address::new("/x").piece(piece).to_string();
            assert_eq!(address, expect);
            assert!(Link::new("t", address).leads_somewhere());
        }
    }
}
