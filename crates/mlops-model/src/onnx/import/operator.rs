//! A node while it is read: its attributes by name, and errors that say where they come from.

use crate::{
    Error,
    onnx::{
        import::tensor::{Constant, texts},
        proto::{Attribute, Node},
    },
};

/// Why a node has no form here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rejected {
    pub(super) node: String,
    pub(super) operator: String,
    pub(super) reason: String,
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::UnsupportedOnnx {
            node: rejected.node,
            operator: rejected.operator,
            reason: rejected.reason,
        }
    }
}

pub(super) type Outcome<T> = Result<T, Rejected>;

/// A node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operator<'a>(pub(super) &'a Node);

impl<'a> Operator<'a> {
    pub(super) fn reject(self, reason: impl Into<String>) -> Rejected {
        let short = |text: &str| text.chars().take(128).collect::<String>();
        let node = match (self.0.name.as_str(), self.0.output.first()) {
            ("", Some(output)) => output,
            (name, _) => name,
        };
        Rejected {
            node: short(node),
            operator: short(&self.0.op_type),
            reason: reason.into(),
        }
    }

    fn attribute(self, name: &str) -> Option<&'a Attribute> {
        self.0.attribute.iter().find(|a| a.name == name)
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn int(self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    pub(super) fn float(self, name: &str) -> Option<f64> {
        self.attribute(name)?.f.map(f64::from)
    }

    /// A text; empty where there is none.
    pub(super) fn text(self, name: &str) -> &'a str {
        let text = self.attribute(name).and_then(|a| a.s.as_deref());
        text.map_or("", |text| std::str::from_utf8(text).unwrap_or("?"))
    }

    pub(super) fn ints(self, name: &str) -> &'a [i64] {
        self.attribute(name).map_or(&[], |a| &a.ints)
    }

    /// Whole numbers as the sizes and positions they are.
    pub(super) fn positions(self, name: &str) -> Outcome<Vec<usize>> {
        let ints = self.ints(name).iter();
        ints.map(|x| usize::try_from(*x))
            .collect::<Result<_, _>>()
            .map_err(|_| self.reject(format!("`{name}` has a number below 0")))
    }

    pub(super) fn texts(self, name: &str) -> Outcome<Vec<String>> {
        let bytes = self.attribute(name).map_or(&[][..], |a| &a.strings);
        texts(bytes).map_err(|reason| self.reject(format!("`{name}`: {reason}")))
    }

    pub(super) fn bytes(self, name: &str) -> &'a [Vec<u8>] {
        self.attribute(name).map_or(&[], |a| &a.strings)
    }

    /// Real numbers, in single precision or as a tensor.
    pub(super) fn floats(self, name: &str) -> Outcome<Vec<f64>> {
        if let Some(tensor) = self.tensor(&format!("{name}_as_tensor"))? {
            let numbers = tensor.numbers().map(<[f64]>::to_vec);
            return numbers.ok_or_else(|| self.reject(format!("`{name}_as_tensor` holds texts")));
        }
        let floats = self.attribute(name).map_or(&[][..], |a| &a.floats);
        Ok(floats.iter().map(|x| f64::from(*x)).collect())
    }

    pub(super) fn tensor(self, name: &str) -> Outcome<Option<Constant>> {
        let tensor = self.attribute(name).and_then(|a| a.t.as_ref());
        tensor
            .map(Constant::read)
            .transpose()
            .map_err(|reason| self.reject(format!("`{name}`: {reason}")))
    }

    /// The numbers of a tensor; none where it is not there.
    pub(super) fn tensor_numbers(self, name: &str) -> Outcome<Vec<f64>> {
        match self.tensor(name)? {
            None => Ok(Vec::new()),
            Some(tensor) => tensor
                .numbers()
                .map(<[f64]>::to_vec)
                .ok_or_else(|| self.reject(format!("`{name}` holds texts"))),
        }
    }

    /// The classes of a classifier, whichever attribute holds them.
    pub(super) fn classes(self) -> Outcome<Vec<String>> {
        for name in ["classlabels_int64s", "classlabels_ints"] {
            let ints = self.ints(name);
            if !ints.is_empty() {
                return Ok(ints.iter().map(i64::to_string).collect());
            }
        }
        self.texts("classlabels_strings")
    }
}
