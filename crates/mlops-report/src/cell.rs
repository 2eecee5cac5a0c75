//! Cells of a table: texts, numbers, times, links, boxes to tick, small charts; highlighted or set in.

use mlops_core::EventTime;

use crate::{
    Link, Sparkline, Tone,
    escape::{escape, put},
    format,
    table::Align,
};

/// A text of so many characters is not broken over two lines.
pub(crate) const SHORT: usize = 24;
/// The classes of cells that are set in.
const DEPTHS: [&str; 7] = ["", "d1", "d2", "d3", "d4", "d5", "d6"];

/// One cell of a [`DataTable`](crate::DataTable).
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    content: Content,
    tone: Tone,
    depth: usize,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Text(String),
    Number(String),
    Sparkline(Sparkline),
    Links(Vec<Link>),
    Tick(Tick),
}

/// A box to tick, of a form elsewhere on the page.
#[derive(Debug, Clone, PartialEq)]
struct Tick {
    form: &'static str,
    name: String,
    value: String,
    label: String,
}

impl Cell {
    fn new(content: Content) -> Self {
        Self {
            content,
            tone: Tone::Neutral,
            depth: 0,
            note: None,
        }
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }

    /// A number with about four significant digits.
    pub fn number(value: f64) -> Self {
        Self::new(Content::Number(format::number(value)))
    }

    /// A number with exactly `decimals` digits after the point.
    pub fn fixed(value: f64, decimals: usize) -> Self {
        Self::new(Content::Number(format::fixed(value, decimals)))
    }

    /// A count with grouped thousands.
    pub fn count(value: u64) -> Self {
        Self::new(Content::Number(format::count(value)))
    }

    /// A fraction of one as a percentage.
    pub fn percent(share: f64) -> Self {
        Self::new(Content::Number(format::percent(share)))
    }

    /// An instant in UTC.
    pub fn time(time: EventTime) -> Self {
        Self::text(time.to_string().replace('T', " ").replace('Z', " UTC"))
    }

    /// The calendar day of an instant in UTC.
    pub fn date(time: EventTime) -> Self {
        Self::text(time.date())
    }

    /// A small chart.
    pub fn sparkline(sparkline: Sparkline) -> Self {
        Self::new(Content::Sparkline(sparkline))
    }

    /// A link.
    pub fn link(link: Link) -> Self {
        Self::links([link])
    }

    /// Several links next to each other; a dash if there are none.
    pub fn links(links: impl IntoIterator<Item = Link>) -> Self {
        let links: Vec<Link> = links.into_iter().collect();
        if links.is_empty() {
            return Self::empty();
        }
        Self::new(Content::Links(links))
    }

    /// A box to tick: a value for the form of that name, and what is read out for the box.
    pub fn tick(
        form: &'static str,
        name: impl Into<String>,
        value: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self::new(Content::Tick(Tick {
            form,
            name: name.into(),
            value: value.into(),
            label: label.into(),
        }))
    }

    /// A dash: there is no value.
    pub fn empty() -> Self {
        Self::text("–")
    }

    /// Highlights the cell.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Sets the cell in by so many steps, as a part of the row above; six at most are shown.
    #[must_use]
    pub fn indent(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Adds a line in small letters below.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn is_short(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.chars().count() <= SHORT,
            Content::Links(links) => links.iter().all(|link| link.text.chars().count() <= SHORT),
            _ => false,
        }
    }

    pub(crate) fn render(&self, html: &mut String, align: Align, heads_row: bool) {
        let (tag, scope) = if heads_row {
            ("th", " scope=\"row\"")
        } else {
            ("td", "")
        };
        let number = matches!(self.content, Content::Number(_)) || align == Align::Right;
        let mut classes = Vec::new();
        if number {
            classes.push("num");
        }
        if self.is_short() {
            classes.push("short");
        }
        if self.depth > 0 {
            classes.push(DEPTHS[self.depth.min(6)]);
        }
        if self.tone != Tone::Neutral {
            classes.push(self.tone.class());
        }
        put!(html, "<{tag}{scope}{}>", class(&classes));
        match &self.content {
            Content::Text(text) | Content::Number(text) => html.push_str(&escape(text)),
            Content::Sparkline(sparkline) => sparkline.render(html),
            Content::Links(links) => {
                for (at, link) in links.iter().enumerate() {
                    if at > 0 {
                        html.push_str(", ");
                    }
                    link.render(html);
                }
            }
            Content::Tick(tick) => put!(
                html,
                "<input type=\"checkbox\" form=\"{}\" name=\"{}\" value=\"{}\" aria-label=\"{}\"/>",
                tick.form,
                escape(&tick.name),
                escape(&tick.value),
                escape(&tick.label)
            ),
        }
        if self.tone != Tone::Neutral {
            put!(
                html,
                "<span class=\"mark\" role=\"img\" aria-label=\"{}\">{}</span>",
                self.tone.word(),
                self.tone.mark()
            );
        }
        if let Some(note) = &self.note {
            put!(html, "<span class=\"note\">{}</span>", escape(note));
        }
        put!(html, "</{tag}>");
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}
impl From<Link> for Cell {
    fn from(link: Link) -> Self {
        Self::link(link)
    }
}
impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::number(value)
    }
}
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self::count(value)
    }
}
impl From<EventTime> for Cell {
    fn from(time: EventTime) -> Self {
        Self::time(time)
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(Self::empty, Into::into)
    }
}

fn class(names: &[&str]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" class=\"{}\"", names.join(" "))
    }
}
