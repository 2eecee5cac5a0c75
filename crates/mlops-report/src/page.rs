//! The page: a title, sections and a style sheet in one file that needs nothing else.
//!
//! The content security policy in its head forbids scripts and every outside resource, so a page
//! that was mailed or archived shows what it showed when it was written and talks to nobody.

use crate::{
    Section,
    block::Ids,
    escape::{escape, put},
};

const STYLE: &str = include_str!("style.css");

/// A report in the making; [`Page::render`] gives the HTML.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    subtitle: Option<String>,
    footer: Option<String>,
    sections: Vec<(String, Section)>,
}

impl Page {
    /// A page without sections.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: None,
            footer: None,
            sections: Vec::new(),
        }
    }

    /// Adds a line below the title.
    #[must_use]
    pub fn subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = Some(subtitle.into());
        self
    }

    /// Adds a line at the end, for instance when and by what the page was made.
    #[must_use]
    pub fn footer(mut self, footer: impl Into<String>) -> Self {
        self.footer = Some(footer.into());
        self
    }

    /// Adds a section; from two sections on, the page begins with a list of links to them.
    #[must_use]
    pub fn section(mut self, heading: impl Into<String>, section: Section) -> Self {
        self.sections.push((heading.into(), section));
        self
    }

    /// The page as one HTML document. The same page gives the same bytes.
    pub fn render(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"color-scheme\" content=\"light dark\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
        );
        if let Some(subtitle) = &self.subtitle {
            put!(html, "<p class=\"subtitle\">{}</p>\n", escape(subtitle));
        }
        html.push_str("</header>\n");
        if self.sections.len() > 1 {
            html.push_str("<nav aria-label=\"Sections\">\n<ol>\n");
            for (i, (heading, _)) in self.sections.iter().enumerate() {
                put!(
                    html,
                    "<li><a href=\"#section-{}\">{}</a></li>\n",
                    i + 1,
                    escape(heading)
                );
            }
            html.push_str("</ol>\n</nav>\n");
        }
        html.push_str("<main>\n");
        let mut ids = Ids::default();
        for (i, (heading, section)) in self.sections.iter().enumerate() {
            let id = i + 1;
            put!(
                html,
                "<section id=\"section-{id}\" aria-labelledby=\"heading-{id}\">\n\
                 <h2 id=\"heading-{id}\">{}</h2>\n",
                escape(heading)
            );
            section.render(&mut html, &mut ids);
            html.push_str("</section>\n");
        }
        html.push_str("</main>\n");
        if let Some(footer) = &self.footer {
            put!(html, "<footer><p>{}</p></footer>\n", escape(footer));
        }
        html.push_str("</body>\n</html>\n");
        html
    }
}
