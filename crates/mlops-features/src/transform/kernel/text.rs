//! Functions of texts; positions and lengths count characters, which are Unicode scalar values.

use crate::transform::fault::{Fault, MAX_TEXT};

pub(crate) type Written = Result<Option<()>, Fault>;

fn push(out: &mut String, text: &str) -> Written {
    if out.len() + text.len() > MAX_TEXT {
        return Err(Fault::TextTooLong);
    }
    out.push_str(text);
    Ok(Some(()))
}

pub(crate) fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

pub(crate) fn lower(text: &str, out: &mut String) -> Written {
    if text.is_ascii() {
        push(out, text)?;
        out.make_ascii_lowercase();
        return Ok(Some(()));
    }
    push(out, &text.to_lowercase())
}

pub(crate) fn upper(text: &str, out: &mut String) -> Written {
    if text.is_ascii() {
        push(out, text)?;
        out.make_ascii_uppercase();
        return Ok(Some(()));
    }
    push(out, &text.to_uppercase())
}

pub(crate) fn trim(text: &str, out: &mut String) -> Written {
    push(out, text.trim())
}

pub(crate) fn concat(a: &str, b: &str, out: &mut String) -> Written {
    push(out, a)?;
    push(out, b)
}

/// The characters from `start` on, counted from 1.
pub(crate) fn from_start(text: &str, start: i64, out: &mut String) -> Written {
    // nothing lies before the first, however far `start` does
    substring(text, start.max(1), i64::MAX, out)
}

/// The characters at `start`, counted from 1, and the ones after it, `length` in all; what lies before the
/// text counts as well, as in SQL.
pub(crate) fn substring(text: &str, start: i64, length: i64, out: &mut String) -> Written {
    let end = start.saturating_add(length.max(0)); // exclusive
    let begin = start.max(1);
    if end <= begin {
        return Ok(Some(()));
    }
    let mut edges = text.char_indices().map(|(at, _)| at);
    let place = |edge: Option<usize>| edge.unwrap_or(text.len());
    let skip = usize::try_from(begin - 1).unwrap_or(usize::MAX);
    let from = place(edges.nth(skip));
    // the edge at `begin` is used up, so the one at `end` is `end - begin - 1` further
    let to = place(edges.nth(usize::try_from(end - begin - 1).unwrap_or(usize::MAX)));
    push(out, &text[from..to])
}

pub(crate) fn contains(text: &str, part: &str) -> bool {
    text.contains(part)
}

pub(crate) fn starts_with(text: &str, part: &str) -> bool {
    text.starts_with(part)
}

pub(crate) fn ends_with(text: &str, part: &str) -> bool {
    text.ends_with(part)
}

/// Every `from`, left to right, becomes `to`; an empty `from` is nowhere.
pub(crate) fn replace(text: &str, from: &str, to: &str, out: &mut String) -> Written {
    if from.is_empty() {
        return push(out, text);
    }
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        push(out, &rest[..at])?;
        push(out, to)?;
        rest = &rest[at + from.len()..];
    }
    push(out, rest)
}

/// The part between separators, counted from 1, or from the end if negative; null if there is none.
pub(crate) fn split_part(text: &str, separator: &str, part: i64, out: &mut String) -> Written {
    let Some(skip) = part.unsigned_abs().checked_sub(1) else {
        return Ok(None);
    };
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let found = if separator.is_empty() {
        (skip == 0).then_some(text)
    } else if part > 0 {
        text.split(separator).nth(skip)
    } else {
        // a right split differs where separators overlap, so the parts are counted as from the left
        let parts = text.split(separator).count();
        parts
            .checked_sub(skip.saturating_add(1))
            .and_then(|at| text.split(separator).nth(at))
    };
    found.map_or(Ok(None), |part| push(out, part))
}

pub(crate) fn is_one_of(words: &[String], text: &str) -> bool {
    words
        .binary_search_by(|word| word.as_str().cmp(text))
        .is_ok()
}
