//! What the objects of an artifact store are called.

use mlops_core::Digest;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Kind {
    /// Bytes under their digest.
    Blob = 0,
    /// A list of chunks under the digest of their bytes together.
    Chunks = 1,
    /// A list of files under the digest of that list.
    Tree = 2,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Blob, Self::Chunks, Self::Tree];

    pub(super) fn part(self) -> &'static str {
        match self {
            Self::Blob => "blobs",
            Self::Chunks => "chunked",
            Self::Tree => "trees",
        }
    }

    pub(super) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

/// The name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) kind: Kind,
    pub(super) digest: Digest,
    /// How often the name was condemned before.
    pub(super) generation: u32,
}

impl Name {
    pub(super) fn path(&self) -> String {
        let text = self.digest.to_string();
        let (folder, rest) = text.split_at(2);
        let part = self.kind.part();
        match self.generation {
            0 => format!("{part}/{folder}/{rest}"),
            generation => format!("{part}/{folder}/{rest}.{generation}"),
        }
    }

    /// The name in a path below the part of its kind, if it is one.
    pub(super) fn parse(kind: Kind, path: &str) -> Option<Self> {
        let (folder, rest) = path.split_once('/')?;
        let (rest, generation) = match rest.split_once('.') {
            Some((rest, generation)) => (rest, generation.parse().ok().filter(|g| *g > 0)?),
            None => (rest, 0),
        };
        let digest = format!("{folder}{rest}").parse().ok()?;
        let name = Self {
            kind,
            digest,
            generation,
        };
        // one name has one spelling
        (name.path().strip_prefix(kind.part())?.strip_prefix('/')? == path).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_two_digits_and_the_rest() {
        let digest = Digest::of(b"x");
        let text = digest.to_string();
        let (folder, rest) = text.split_at(2);
        for (kind, generation, expected) in [
            (Kind::Blob, 0, format!("blobs/{folder}/{rest}")),
            (Kind::Chunks, 1, format!("chunked/{folder}/{rest}.1")),
            (Kind::Tree, 12, format!("trees/{folder}/{rest}.12")),
        ] {
            let name = Name {
                kind,
                digest,
                generation,
            };
            assert_eq!(name.path(), expected);
            let below = expected.split_once('/').unwrap().1;
            assert_eq!(Name::parse(kind, below), Some(name));
        }
        for foreign in [
            "aa/readme".to_owned(),
            format!("{folder}/{rest}.0"),
            format!("{folder}/{rest}.01"),
            format!("{folder}/{rest}.x"),
            format!("{folder}{rest}"),
            format!("{folder}/{}", rest.to_uppercase()),
        ] {
            assert_eq!(Name::parse(Kind::Blob, &foreign), None, "{foreign}");
        }
    }
}
