//! What a label asks a model to learn, told by the label's own values.

/// The labels of a training set, `[rows]`.
///
/// | label column | target |
/// | --- | --- |
/// | booleans | [`Target::Binary`] |
/// | numbers that are all 0 or 1 | [`Target::Binary`] |
/// | other numbers | [`Target::Number`] |
/// | texts | [`Target::Classes`], also where there are only two |
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One of two classes; `true` is positive.
    Binary(Vec<bool>),
    /// A number.
    Number(Vec<f64>),
    /// One of several named classes.
    Classes {
        /// The names, ascending.
        names: Vec<String>,
        /// The positions of the rows' classes among the names.
        codes: Vec<u32>,
    },
}

impl Target {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Binary(labels) => labels.len(),
            Self::Number(values) => values.len(),
            Self::Classes { codes, .. } => codes.len(),
        }
    }

    /// The names of the classes and each row's position among them; of two classes the names are `0` and `1`.
    /// `None` for numbers.
    pub fn classes(&self) -> Option<(Vec<String>, Vec<usize>)> {
        match self {
            Self::Binary(labels) => Some((
                vec!["0".to_owned(), "1".to_owned()],
                labels.iter().map(|label| usize::from(*label)).collect(),
            )),
            Self::Number(_) => None,
            Self::Classes { names, codes } => Some((
                names.clone(),
                codes.iter().map(|code| *code as usize).collect(),
            )),
        }
    }

    /// What is to be learnt, in words.
    pub fn task(&self) -> &'static str {
        match self {
            Self::Binary(_) => "a label of two classes",
            Self::Number(_) => "a number",
            Self::Classes { .. } => "a label of named classes",
        }
    }
}
