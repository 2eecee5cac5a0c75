//! What a reader searches runs by: condition, order, columns, page; and what is wrong with it, at its place.

use mlops_registry::{
    Condition, Error, Ordered, RunQuery, Searchable, TrackingError, View as Lifecycles,
};
use mlops_report::{Address, Form};

use super::column::Column;
use crate::tracking::{failure::Outcome, params::Params};

/// The runs of a page.
pub(super) const PAGE: usize = 50;
/// How much of a long condition is shown round the place of an error.
const AROUND: usize = 40;

/// A search as the address has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) filter: String,
    pub(super) order_by: String,
    pub(super) view: String,
    pub(super) columns: Vec<String>,
    pub(super) page_token: Option<String>,
}

/// What is wrong with a search.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) filter: Option<String>,
    pub(super) order_by: Option<String>,
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.filter.is_none() && self.order_by.is_none()
    }
}

impl Asked {
    pub(super) fn read(params: &Params) -> Outcome<Self> {
        let text = |name: &str| {
            params
                .opt_text(name)
                .map(|text| text.unwrap_or_default().to_owned())
        };
        let token = text("page_token")?;
        Ok(Self {
            filter: text("filter")?,
            order_by: text("order_by")?,
            view: text("view")?,
            columns: params.texts("columns")?,
            page_token: (!token.is_empty()).then_some(token),
        })
    }

    pub(super) fn query(&self) -> RunQuery {
        RunQuery {
            condition: self.filter.clone(),
            view: match self.view.as_str() {
                "deleted" => Lifecycles::Deleted,
                "all" => Lifecycles::All,
                _ => Lifecycles::Active,
            },
            order_by: self.orders(),
            limit: Some(PAGE),
            page_token: self.page_token.clone(),
            ..RunQuery::default()
        }
    }

    fn orders(&self) -> Vec<String> {
        let order = self.order_by.trim();
        (!order.is_empty())
            .then(|| order.to_owned())
            .into_iter()
            .collect()
    }

    pub(super) fn faults(&self) -> Faults {
        let filter = Condition::parse(&self.filter).err();
        let order = Ordered::parse(Searchable::Runs, &self.orders()).err();
        Faults {
            filter: filter.map(|error| {
                let at = Condition::error_position(&self.filter).unwrap_or(0);
                pointed(&self.filter, at, &reason(&error))
            }),
            order_by: order.map(|error| reason(&error)),
        }
    }

    /// The page at `start` with this search, but for what the caller adds.
    fn address(&self, start: &Address, order_by: &str) -> Address {
        let mut address = start.clone();
        for (name, value) in [
            ("filter", self.filter.as_str()),
            ("order_by", order_by),
            ("view", &self.view),
        ] {
            if !value.is_empty() {
                address = address.with(name, value);
            }
        }
        let columns = self.columns.iter();
        columns.fold(address, |address, column| address.with("columns", column))
    }

    pub(super) fn next_page(&self, start: &Address, token: &str) -> Address {
        self.address(start, &self.order_by)
            .with("page_token", token)
    }

    pub(super) fn first_page(&self, start: &Address) -> Address {
        self.address(start, &self.order_by)
    }

    /// The same search in the order of a column, the greatest first; the other way round if it is that already.
    /// With whether the search is in its order now.
    pub(super) fn by(&self, start: &Address, identifier: &str) -> (Address, Option<bool>) {
        let (down, up) = (format!("{identifier} DESC"), format!("{identifier} ASC"));
        let now = match self.order_by.trim() {
            order if order == down => Some(false),
            order if order == up => Some(true),
            _ => None,
        };
        let next = if now == Some(false) { up } else { down };
        (self.address(start, &next), now)
    }

    /// The box with what was searched for in it.
    pub(super) fn form(&self, start: &Address, faults: &Faults) -> Form {
        let mut form = Form::new("search", start.to_string())
            .text("filter", "Filter", self.filter.clone())
            .hint("metrics.auc > 0.8 AND (params.depth >= 4 OR tags.team = 'fraud')");
        if let Some(error) = &faults.filter {
            form = form.error(error.clone());
        }
        form = form
            .text("order_by", "Order by", self.order_by.clone())
            .hint("metrics.auc DESC");
        if let Some(error) = &faults.order_by {
            form = form.error(error.clone());
        }
        let form = form.select(
            "view",
            "Which",
            [("active", "in use"), ("deleted", "deleted"), ("all", "all")],
            self.view.clone(),
        );
        let columns = self.columns.iter();
        columns
            .fold(form, |form, column| form.hidden("columns", column.clone()))
            .submit("Search")
    }

    /// The choice of columns.
    pub(super) fn choice(&self, start: &Address, offered: &[Column], shown: &[Column]) -> Form {
        let mut form = Form::new("columns", start.to_string());
        for (name, value) in [
            ("filter", &self.filter),
            ("order_by", &self.order_by),
            ("view", &self.view),
        ] {
            if !value.is_empty() {
                form = form.hidden(name, value.clone());
            }
        }
        for legend in ["Metrics", "Params", "Tags"] {
            let of_sort = offered.iter().filter(|column| column.heading() == legend);
            let options: Vec<_> = of_sort
                .map(|column| {
                    (
                        column.name(),
                        super::show::short(column.key()),
                        shown.contains(column),
                    )
                })
                .collect();
            if !options.is_empty() {
                form = form.ticks("columns", legend, options);
            }
        }
        form.submit("Show these columns")
    }
}

fn reason(error: &Error) -> String {
    match error {
        Error::Tracking(TrackingError::InvalidSearch { reason, .. }) => reason.clone(),
        error => error.to_string(),
    }
}

/// The part of a text round a place, with a mark below the place and what is wrong there.
fn pointed(text: &str, at: usize, reason: &str) -> String {
    let before = text[..at].chars().count();
    let skipped = before.saturating_sub(AROUND);
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = text
        .chars()
        .skip(skipped)
        .take(2 * AROUND)
        .map(one_line)
        .collect();
    let cut = if skipped > 0 { "…" } else { "" };
    let mark = " ".repeat(before - skipped + cut.chars().count());
    format!("{cut}{shown}\n{mark}^\n{reason} (character {})", before + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        let asked = |filter: &str| Asked {
            filter: filter.into(),
            ..Asked::default()
        };
        let fault = asked("metrics.ä >> 1").faults().filter.unwrap();
        assert_eq!(
            fault,
            "metrics.ä >> 1\n            ^\n`>>` is no comparator (character 13)"
        );
        let long = format!("{}metrics.b", "metrics.a > 1 OR ".repeat(20));
        let fault = asked(&long).faults().filter.unwrap();
        let mut lines = fault.lines();
        assert!(lines.next().unwrap().chars().count() <= 2 * AROUND + 1);
        assert!(lines.next().unwrap().starts_with(&" ".repeat(AROUND)));
        assert!(asked("metrics.a > 1 OR (tags.b = 'c')").faults().is_empty());
    }

    #[test]
    fn a_second_click_turns_the_order_round() {
        let start = Address::new("/x");
        let mut asked = Asked::default();
        let (first, now) = asked.by(&start, "metrics.`a`");
        assert_eq!(
            (first.to_string().as_str(), now),
            ("/x?order_by=metrics.%60a%60%20DESC", None)
        );
        asked.order_by = "metrics.`a` DESC".into();
        let (second, now) = asked.by(&start, "metrics.`a`");
        assert_eq!(
            (second.to_string().as_str(), now),
            ("/x?order_by=metrics.%60a%60%20ASC", Some(false))
        );
    }
}
