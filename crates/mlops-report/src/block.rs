//! The blocks of a section: paragraphs, cards, callouts, lists, code, tables, charts.
//!
//! A [`Section`] collects blocks in order. Charts stand alone over the full width or, through
//! [`Section::side_by_side`], next to each other; on a phone they always stand below each other.

use std::sync::Arc;

use crate::{
    DataTable, Form, Link, Sparkline, Tone,
    chart::{Chart, Place, figure},
    escape::{escape, prose, put},
};

/// One piece of a report, made from a table or a chart by `into()`.
#[derive(Debug, Clone)]
pub struct Block(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Paragraph(String),
    Subheading(String),
    List(Vec<String>),
    Code(String),
    Cards(Vec<Card>),
    Callout(Callout),
    Table(DataTable),
    Form(Form),
    Links(Vec<Link>),
    Chart(Arc<dyn Chart>),
    SideBySide(Vec<Block>),
    Details(String, Section),
}

impl Block {
    pub(crate) fn chart(chart: impl Chart + 'static) -> Self {
        Self(Kind::Chart(Arc::new(chart)))
    }

    fn render(&self, html: &mut String, ids: &mut Ids, place: Place) {
        match &self.0 {
            Kind::Paragraph(text) => put!(html, "<p>{}</p>\n", prose(text)),
            Kind::Subheading(text) => put!(html, "<h3>{}</h3>\n", escape(text)),
            Kind::List(items) => {
                html.push_str("<ul>\n");
                for item in items {
                    put!(html, "<li>{}</li>\n", prose(item));
                }
                html.push_str("</ul>\n");
            }
            Kind::Code(text) => put!(
                html,
                "<pre tabindex=\"0\"><code>{}</code></pre>\n",
                escape(text)
            ),
            Kind::Cards(cards) => {
                html.push_str("<dl class=\"cards\">\n");
                for card in cards {
                    card.render(html);
                }
                html.push_str("</dl>\n");
            }
            Kind::Callout(callout) => callout.render(html),
            Kind::Table(table) => table.render(html),
            Kind::Form(form) => form.render(html),
            Kind::Links(links) => {
                html.push_str("<p class=\"links\">");
                for link in links {
                    link.render(html);
                    html.push('\n');
                }
                html.push_str("</p>\n");
            }
            Kind::Chart(chart) => figure(html, chart.as_ref(), ids, place),
            Kind::SideBySide(blocks) => {
                html.push_str("<div class=\"columns\">\n");
                for block in blocks {
                    html.push_str("<div>\n");
                    block.render(html, ids, Place::Half);
                    html.push_str("</div>\n");
                }
                html.push_str("</div>\n");
            }
            Kind::Details(summary, section) => {
                put!(html, "<details><summary>{}</summary>\n", escape(summary));
                section.render(html, ids);
                html.push_str("</details>\n");
            }
        }
    }
}

impl From<DataTable> for Block {
    fn from(table: DataTable) -> Self {
        Self(Kind::Table(table))
    }
}

impl From<Form> for Block {
    fn from(form: Form) -> Self {
        Self(Kind::Form(form))
    }
}

impl From<Callout> for Block {
    fn from(callout: Callout) -> Self {
        Self(Kind::Callout(callout))
    }
}

/// Numbers the charts of a page, because an SVG's title needs an id to be referred to.
#[derive(Debug, Default)]
pub(crate) struct Ids(u32);

impl Ids {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }
}

/// A key figure: what it is called, its value, and perhaps a note and a small chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    label: String,
    value: String,
    note: Option<String>,
    tone: Tone,
    sparkline: Option<Sparkline>,
}

impl Card {
    /// A card with a label and a value that is already formatted (see [`crate::format`]).
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            note: None,
            tone: Tone::Neutral,
            sparkline: None,
        }
    }

    /// Adds a line below the value.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// States how the value is to be taken.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Adds a small chart.
    #[must_use]
    pub fn sparkline(mut self, sparkline: Sparkline) -> Self {
        self.sparkline = Some(sparkline);
        self
    }

    fn render(&self, html: &mut String) {
        put!(
            html,
            "<div class=\"card {}\"><dt>{}</dt><dd>{}",
            self.tone.class(),
            escape(&self.label),
            escape(&self.value)
        );
        if let Some(sparkline) = &self.sparkline {
            sparkline.render(html);
        }
        html.push_str("</dd>");
        if let Some(note) = &self.note {
            put!(html, "<dd class=\"note\">{}</dd>", escape(note));
        }
        html.push_str("</div>\n");
    }
}

/// A statement that is to be seen first: a verdict, a warning, a problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Callout {
    tone: Tone,
    title: String,
    text: String,
}

impl Callout {
    /// A callout with a title in bold and a text after it.
    pub fn new(tone: Tone, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            tone,
            title: title.into(),
            text: text.into(),
        }
    }

    fn render(&self, html: &mut String) {
        put!(
            html,
            "<div class=\"callout {}\" role=\"note\"><span class=\"mark\" role=\"img\" \
             aria-label=\"{}\">{}</span><p><strong>{}</strong> {}</p></div>\n",
            self.tone.class(),
            self.tone.word(),
            self.tone.mark(),
            prose(&self.title),
            prose(&self.text)
        );
    }
}

/// A list of blocks.
#[derive(Debug, Clone, Default)]
pub struct Section {
    blocks: Vec<Block>,
}

impl Section {
    /// A section without blocks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table, a callout or a chart.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a builder's verb, not a sum")]
    pub fn add(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }

    /// Whether it has no blocks.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    fn push(mut self, kind: Kind) -> Self {
        self.blocks.push(Block(kind));
        self
    }

    /// Adds a paragraph; parts in backticks are set as code, as they are in lists and callouts.
    #[must_use]
    pub fn paragraph(self, text: impl Into<String>) -> Self {
        self.push(Kind::Paragraph(text.into()))
    }

    /// Adds a heading one level below the section's own.
    #[must_use]
    pub fn subheading(self, text: impl Into<String>) -> Self {
        self.push(Kind::Subheading(text.into()))
    }

    /// Adds a bulleted list.
    #[must_use]
    pub fn list<T: Into<String>>(self, items: impl IntoIterator<Item = T>) -> Self {
        self.push(Kind::List(items.into_iter().map(Into::into).collect()))
    }

    /// Adds text in a fixed-width face with its line breaks, for instance a definition or JSON.
    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.push(Kind::Code(text.into()))
    }

    /// Adds a row of links, for instance to the pages before and behind; nothing if there are none.
    #[must_use]
    pub fn links(self, links: impl IntoIterator<Item = Link>) -> Self {
        let links: Vec<Link> = links.into_iter().collect();
        if links.is_empty() {
            return self;
        }
        self.push(Kind::Links(links))
    }

    /// Adds the blocks of another section behind those of this one.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.blocks.extend(other.blocks);
        self
    }

    /// Adds a row of key figures.
    #[must_use]
    pub fn cards(self, cards: impl IntoIterator<Item = Card>) -> Self {
        self.push(Kind::Cards(cards.into_iter().collect()))
    }

    /// Adds blocks that stand next to each other where there is room.
    #[must_use]
    pub fn side_by_side(self, blocks: impl IntoIterator<Item = Block>) -> Self {
        self.push(Kind::SideBySide(blocks.into_iter().collect()))
    }

    /// Adds a part that is folded up until the reader opens it.
    #[must_use]
    pub fn details(self, summary: impl Into<String>, section: Self) -> Self {
        self.push(Kind::Details(summary.into(), section))
    }

    pub(crate) fn render(&self, html: &mut String, ids: &mut Ids) {
        for block in &self.blocks {
            block.render(html, ids, Place::Full);
        }
    }
}
