//! Forms that look something up: a search box, choices, a button. They change nothing, so they ask by `GET`.

use crate::escape::{escape, put};

/// What a form asks for.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    Text {
        name: String,
        label: String,
        value: String,
        hint: String,
        error: Option<String>,
    },
    Hidden {
        name: String,
        value: String,
    },
    Select {
        name: String,
        label: String,
        options: Vec<(String, String)>,
        chosen: String,
    },
    Ticks {
        name: String,
        legend: String,
        options: Vec<(String, String, bool)>,
    },
}

/// A form that asks the page at `action` with what was filled in.
///
/// ```
/// use mlops_report::{Form, Page, Section};
///
/// let form = Form::new("search", "/runs").text("filter", "Filter", "metrics.auc > 0.8").submit("Search");
/// let html = Page::new("Runs").section("Search", Section::new().add(form)).render();
/// assert!(html.contains("<form id=\"search\" method=\"get\" action=\"/runs\">"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    id: &'static str,
    action: String,
    fields: Vec<Field>,
    submit: Option<String>,
}

impl Form {
    /// An empty form. The name is one of the caller's own, by which cells can belong to it
    /// ([`Cell::tick`](crate::Cell::tick)).
    pub fn new(id: &'static str, action: impl Into<String>) -> Self {
        Self {
            id,
            action: action.into(),
            fields: Vec::new(),
            submit: None,
        }
    }

    /// Adds a line of text.
    #[must_use]
    pub fn text(
        mut self,
        name: impl Into<String>,
        label: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.fields.push(Field::Text {
            name: name.into(),
            label: label.into(),
            value: value.into(),
            hint: String::new(),
            error: None,
        });
        self
    }

    /// Shows an example in the last line of text while it is empty.
    #[must_use]
    pub fn hint(mut self, example: impl Into<String>) -> Self {
        if let Some(Field::Text { hint, .. }) = self.fields.last_mut() {
            *hint = example.into();
        }
        self
    }

    /// Says below the last line of text what is wrong with it.
    #[must_use]
    pub fn error(mut self, what: impl Into<String>) -> Self {
        if let Some(Field::Text { error, .. }) = self.fields.last_mut() {
            *error = Some(what.into());
        }
        self
    }

    /// Adds a value that is sent along.
    #[must_use]
    pub fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push(Field::Hidden {
            name: name.into(),
            value: value.into(),
        });
        self
    }

    /// Adds a choice of one of several values, each with its label.
    #[must_use]
    pub fn select<V: Into<String>, L: Into<String>>(
        mut self,
        name: impl Into<String>,
        label: impl Into<String>,
        options: impl IntoIterator<Item = (V, L)>,
        chosen: impl Into<String>,
    ) -> Self {
        self.fields.push(Field::Select {
            name: name.into(),
            label: label.into(),
            options: options
                .into_iter()
                .map(|(value, label)| (value.into(), label.into()))
                .collect(),
            chosen: chosen.into(),
        });
        self
    }

    /// Adds a choice of any of several values, each with its label and whether it is chosen.
    #[must_use]
    pub fn ticks<V: Into<String>, L: Into<String>>(
        mut self,
        name: impl Into<String>,
        legend: impl Into<String>,
        options: impl IntoIterator<Item = (V, L, bool)>,
    ) -> Self {
        self.fields.push(Field::Ticks {
            name: name.into(),
            legend: legend.into(),
            options: options
                .into_iter()
                .map(|(value, label, chosen)| (value.into(), label.into(), chosen))
                .collect(),
        });
        self
    }

    /// Adds the button.
    #[must_use]
    pub fn submit(mut self, label: impl Into<String>) -> Self {
        self.submit = Some(label.into());
        self
    }

    pub(crate) fn render(&self, html: &mut String) {
        let id = self.id;
        put!(
            html,
            "<form id=\"{id}\" method=\"get\" action=\"{}\">\n",
            escape(&self.action)
        );
        for (at, field) in self.fields.iter().enumerate() {
            field.render(html, &format!("{id}-{at}"));
        }
        if let Some(label) = &self.submit {
            put!(html, "<button type=\"submit\">{}</button>\n", escape(label));
        }
        html.push_str("</form>\n");
    }
}

impl Field {
    fn render(&self, html: &mut String, id: &str) {
        match self {
            Self::Hidden { name, value } => put!(
                html,
                "<input type=\"hidden\" name=\"{}\" value=\"{}\"/>\n",
                escape(name),
                escape(value)
            ),
            Self::Text {
                name,
                label,
                value,
                hint,
                error,
            } => {
                put!(
                    html,
                    "<div class=\"field grow\"><label for=\"{id}\">{}</label>\
                     <input id=\"{id}\" type=\"text\" name=\"{}\" value=\"{}\" placeholder=\"{}\" \
                     autocomplete=\"off\" spellcheck=\"false\" autocapitalize=\"off\"",
                    escape(label),
                    escape(name),
                    escape(value),
                    escape(hint)
                );
                if let Some(error) = error {
                    put!(
                        html,
                        " aria-invalid=\"true\" aria-describedby=\"{id}-error\"/>\
                         <pre class=\"error\" id=\"{id}-error\">{}</pre></div>\n",
                        escape(error)
                    );
                } else {
                    html.push_str("/></div>\n");
                }
            }
            Self::Select {
                name,
                label,
                options,
                chosen,
            } => {
                put!(
                    html,
                    "<div class=\"field\"><label for=\"{id}\">{}</label><select id=\"{id}\" name=\"{}\">",
                    escape(label),
                    escape(name)
                );
                for (value, label) in options {
                    let mark = if value == chosen {
                        " selected=\"selected\""
                    } else {
                        ""
                    };
                    put!(
                        html,
                        "<option value=\"{}\"{mark}>{}</option>",
                        escape(value),
                        escape(label)
                    );
                }
                html.push_str("</select></div>\n");
            }
            Self::Ticks {
                name,
                legend,
                options,
            } => {
                put!(html, "<fieldset><legend>{}</legend>\n", escape(legend));
                for (value, label, chosen) in options {
                    let mark = if *chosen { " checked=\"checked\"" } else { "" };
                    put!(
                        html,
                        "<label><input type=\"checkbox\" name=\"{}\" value=\"{}\"{mark}/>{}</label>\n",
                        escape(name),
                        escape(value),
                        escape(label)
                    );
                }
                html.push_str("</fieldset>\n");
            }
        }
    }
}
