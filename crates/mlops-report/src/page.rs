//! The page: a title, sections and a style sheet in one file that needs nothing else.
//!
//! The content security policy in its head forbids scripts and every outside resource, so a page
//! that was mailed or archived shows what it showed when it was written and talks to nobody.

use crate::{
    Link, Section,
    block::Ids,
    escape::{escape, put},
};

/// What stands between the tags of the style.
const STYLE: &str = concat!("\n", include_str!("style.css"));

/// A report in the making; [`Page::render`] gives the HTML.
#[derive(Debug, Clone)]
pub struct Page {
    title: String,
    subtitle: Option<String>,
    footer: Option<String>,
    sections: Vec<(String, Section)>,
    menu: Vec<Link>,
    crumbs: Vec<Link>,
    wide: bool,
}

impl Page {
    /// A page without sections.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            subtitle: None,
            footer: None,
            sections: Vec::new(),
            menu: Vec::new(),
            crumbs: Vec::new(),
            wide: false,
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

    /// Puts links to the parts of a site at the top. One that leads nowhere is where the reader is.
    #[must_use]
    pub fn menu(mut self, links: impl IntoIterator<Item = Link>) -> Self {
        self.menu = links.into_iter().collect();
        self
    }

    /// Puts the way to this page above its title.
    #[must_use]
    pub fn crumbs(mut self, links: impl IntoIterator<Item = Link>) -> Self {
        self.crumbs = links.into_iter().collect();
        self
    }

    /// Takes the whole width of the window, for wide tables.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// The content of every page's one style element, so that a server can name its hash in a content security
    /// policy.
    pub fn style() -> &'static str {
        STYLE
    }

    /// The page as one HTML document. The same page gives the same bytes.
    pub fn render(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"color-scheme\" content=\"light dark\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body{}>\n<header>\n",
            if self.wide { " class=\"wide\"" } else { "" }
        );
        navigation(&mut html, "Site", "menu", &self.menu);
        navigation(&mut html, "Way", "crumbs", &self.crumbs);
        put!(html, "<h1>{title}</h1>\n");
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

fn navigation(html: &mut String, label: &str, class: &str, links: &[Link]) {
    if links.is_empty() {
        return;
    }
    put!(
        html,
        "<nav aria-label=\"{label}\" class=\"{class}\">\n<ol>\n"
    );
    for link in links {
        html.push_str(if link.leads_somewhere() {
            "<li>"
        } else {
            "<li aria-current=\"page\">"
        });
        link.render(html);
        html.push_str("</li>\n");
    }
    html.push_str("</ol>\n</nav>\n");
}
