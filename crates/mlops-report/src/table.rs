//! Tables: aligned columns, formatted numbers, highlighted cells, bounded rows.
//!
//! A table of a million rows makes a page that no browser opens, so a [`DataTable`] shows its first
//! rows only and says how many it left out.

use crate::{
    Cell, Link,
    cell::SHORT,
    escape::{escape, put},
    format,
};

/// How many rows a table shows unless told otherwise.
const DEFAULT_ROWS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq)]
struct Column {
    heading: Link,
    align: Align,
    /// Whether the rows are in the order of this column, and whether from small to large.
    ascending: Option<bool>,
}

/// A table with a caption, headed columns and a bounded number of rows.
///
/// The first cell of a row heads the row. A row may be shorter than the heading, the rest is empty
/// then; a longer one adds columns without a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct DataTable {
    caption: String,
    columns: Vec<Column>,
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
    pub fn text_column(self, heading: impl Into<String>) -> Self {
        self.column(heading, Align::Left)
    }

    /// Adds a column of numbers, aligned to the right.
    #[must_use]
    pub fn number_column(self, heading: impl Into<String>) -> Self {
        self.column(heading, Align::Right)
    }

    fn column(mut self, heading: impl Into<String>, align: Align) -> Self {
        self.columns.push(Column {
            heading: Link::none(heading),
            align,
            ascending: None,
        });
        self
    }

    /// Makes the heading of the last column a link, for instance to the rows in its order; `ascending` says that
    /// they are in its order already, and from small to large or not.
    #[must_use]
    pub fn sorted_by(mut self, href: impl Into<String>, ascending: Option<bool>) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.heading = Link::new(column.heading.text.clone(), href);
            column.ascending = ascending;
        }
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
             <caption>{caption}</caption>\n"
        );
        let shown = &self.rows[..self.rows.len().min(self.limit)];
        let width = shown
            .iter()
            .map(Vec::len)
            .chain([self.columns.len()])
            .max()
            .unwrap_or(0);
        // what has no headings needs no row for them
        if self
            .columns
            .iter()
            .any(|column| !column.heading.text.is_empty())
        {
            html.push_str("<thead><tr>");
            for column in &self.columns {
                column.render(html);
            }
            for _ in self.columns.len()..width {
                html.push_str("<th scope=\"col\" class=\"short\"></th>");
            }
            html.push_str("</tr></thead>\n");
        }
        html.push_str("<tbody>\n");
        for row in shown {
            html.push_str("<tr>");
            for i in 0..width {
                let align = self.columns.get(i).map_or(Align::Left, |c| c.align);
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

impl Column {
    fn render(&self, html: &mut String) {
        let class = match self.align {
            Align::Right => " class=\"num\"",
            Align::Left if self.heading.text.chars().count() <= SHORT => " class=\"short\"",
            Align::Left => "",
        };
        let (sort, mark) = match self.ascending {
            None => ("", ""),
            Some(true) => (" aria-sort=\"ascending\"", " ▴"),
            Some(false) => (" aria-sort=\"descending\"", " ▾"),
        };
        put!(html, "<th scope=\"col\"{class}{sort}>");
        self.heading.render(html);
        put!(html, "{mark}</th>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tone;

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
