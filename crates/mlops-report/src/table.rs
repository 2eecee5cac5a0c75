//! Tables: aligned columns, formatted numbers, highlighted cells, bounded rows.
//!
//! A table of a million rows makes a page that no browser opens, so a [`DataTable`] shows its first
//! rows only and says how many it left out.

use mlops_core::EventTime;

use crate::{
    Sparkline, Tone,
    escape::{escape, put},
    format,
};

/// How many rows a table shows unless told otherwise.
const DEFAULT_ROWS: usize = 200;
/// A text of so many characters is not broken over two lines.
const SHORT: usize = 24;

/// One cell of a [`DataTable`].
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    content: Content,
    tone: Tone,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Text(String),
    Number(String),
    Sparkline(Sparkline),
}

impl Cell {
    fn new(content: Content) -> Self {
        Self {
            content,
            tone: Tone::Neutral,
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

    fn render(&self, html: &mut String, align: Align, heads_row: bool) {
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
        if matches!(&self.content, Content::Text(text) if text.chars().count() <= SHORT) {
            classes.push("short");
        }
        if self.tone != Tone::Neutral {
            classes.push(self.tone.class());
        }
        put!(html, "<{tag}{scope}{}>", class(&classes));
        match &self.content {
            Content::Text(text) | Content::Number(text) => html.push_str(&escape(text)),
            Content::Sparkline(sparkline) => sparkline.render(html),
        }
        if self.tone != Tone::Neutral {
            put!(
                html,
                "<span class=\"mark\" role=\"img\" aria-label=\"{}\">{}</span>",
                self.tone.word(),
                self.tone.mark()
            );
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

/// A table with a caption, headed columns and a bounded number of rows.
///
/// The first cell of a row heads the row. A row may be shorter than the heading, the rest is empty
/// then; a longer one adds columns without a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct DataTable {
    caption: String,
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
    limit: usize,
    left_out: u64,
}

impl DataTable {
    /// A table without columns and rows.
    pub fn new(caption: impl Into<String>) -> Self {
        Self {
            caption: caption.into(),
            columns: Vec::new(),
            rows: Vec::new(),
            limit: DEFAULT_ROWS,
            left_out: 0,
        }
    }

    /// Adds a column of texts, aligned to the left.
    #[must_use]
    pub fn text_column(mut self, heading: impl Into<String>) -> Self {
        self.columns.push((heading.into(), Align::Left));
        self
    }

    /// Adds a column of numbers, aligned to the right.
    #[must_use]
    pub fn number_column(mut self, heading: impl Into<String>) -> Self {
        self.columns.push((heading.into(), Align::Right));
        self
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// Adds rows.
    #[must_use]
    pub fn rows<R: IntoIterator<Item = Cell>>(mut self, rows: impl IntoIterator<Item = R>) -> Self {
        self.rows
            .extend(rows.into_iter().map(|r| r.into_iter().collect()));
        self
    }

    /// States how many rows are shown, 200 unless this is called.
    #[must_use]
    pub fn show_at_most(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    /// States how many further rows the caller did not add, for the note below the table.
    #[must_use]
    pub fn left_out(mut self, rows: u64) -> Self {
        self.left_out = rows;
        self
    }

    pub(crate) fn render(&self, html: &mut String) {
        let caption = escape(&self.caption);
        put!(
            html,
            "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n<table>\n\
             <caption>{caption}</caption>\n<thead><tr>"
        );
        let shown = &self.rows[..self.rows.len().min(self.limit)];
        let width = shown
            .iter()
            .map(Vec::len)
            .chain([self.columns.len()])
            .max()
            .unwrap_or(0);
        for i in 0..width {
            let (heading, align) = self
                .columns
                .get(i)
                .map_or(("", Align::Left), |(h, align)| (h.as_str(), *align));
            let class = match align {
                Align::Right => " class=\"num\"",
                Align::Left if heading.chars().count() <= SHORT => " class=\"short\"",
                Align::Left => "",
            };
            put!(html, "<th scope=\"col\"{class}>{}</th>", escape(heading));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in shown {
            html.push_str("<tr>");
            for i in 0..width {
                let align = self.columns.get(i).map_or(Align::Left, |c| c.1);
                match row.get(i) {
                    Some(cell) => cell.render(html, align, i == 0),
                    None => html.push_str("<td></td>"),
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        let hidden = (self.rows.len() - shown.len()) as u64 + self.left_out;
        if hidden > 0 {
            put!(
                html,
                "<p class=\"left-out\">{} more {} not shown.</p>\n",
                format::count(hidden),
                if hidden == 1 { "row is" } else { "rows are" }
            );
        }
    }
}

fn class(names: &[&str]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" class=\"{}\"", names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(table: &DataTable) -> String {
        let mut html = String::new();
        table.render(&mut html);
        html
    }

    #[test]
    fn rows_past_the_limit_are_counted_and_not_shown() {
        let table = DataTable::new("Rejected rows")
            .text_column("Column")
            .number_column("Row")
            .rows((0..7u64).map(|row| ["price".into(), Cell::from(row)]));
        assert!(!html(&table).contains("not shown"));
        let cut = html(&table.clone().show_at_most(3));
        assert!(cut.contains("4 more rows are not shown"));
        assert_eq!(cut.matches("<tr>").count(), 4);
        assert!(html(&table.show_at_most(7).left_out(1)).contains("1 more row is not shown"));
    }

    #[test]
    fn numbers_stand_to_the_right_and_rows_have_heads() {
        let table = DataTable::new("c")
            .text_column("Feature")
            .number_column("PSI")
            .row(["recency".into(), Cell::fixed(0.31, 2).tone(Tone::Bad)]);
        let html = html(&table);
        assert!(html.contains("<th scope=\"col\" class=\"num\">PSI</th>"));
        assert!(html.contains("<th scope=\"row\" class=\"short\">recency</th>"));
        assert!(html.contains("<td class=\"num bad\">0.31<span class=\"mark\""));
    }

    #[test]
    fn ragged_rows_keep_every_cell() {
        let table = DataTable::new("c").text_column("a").text_column("b").rows([
            vec![Cell::text("1")],
            vec![Cell::text("1"), Cell::text("2"), Cell::from(None::<f64>)],
        ]);
        let html = html(&table);
        assert_eq!(html.matches("<th scope=\"col\"").count(), 3);
        assert_eq!(html.matches("<td").count(), 4);
    }
}
