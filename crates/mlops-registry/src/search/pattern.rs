//! LIKE as SQLite has it: `%` is any run of characters, `_` is one, and nothing escapes them. ILIKE
//! folds the case of ASCII letters alone.

/// Whether a text matches a pattern, in time proportional to the product of their lengths at worst.
pub(crate) fn matches(pattern: &str, text: &str, fold: bool) -> bool {
    let mut rest = text.chars();
    let mut pieces = pattern.chars();
    // where to try again: behind the last `%`, with that `%` one character longer
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (before_piece, before_rest) = (pieces.clone(), rest.clone());
        let fits = match pieces.next() {
            Some('%') => {
                retry = Some((pieces.clone(), before_rest));
                continue;
            }
            Some('_') => rest.next().is_some(),
            Some(piece) => rest.next().is_some_and(|found| same(piece, found, fold)),
            None => rest.next().is_none(),
        };
        if fits && before_piece.as_str().is_empty() {
            return true;
        }
        if fits {
            continue;
        }
        let Some((after, mut at)) = retry.take() else {
            return false;
        };
        if after.as_str().is_empty() {
            return true;
        }
        if at.next().is_none() {
            return false;
        }
        pieces = after.clone();
        rest = at.clone();
        retry = Some((after, at));
    }
}

fn same(piece: char, found: char, fold: bool) -> bool {
    piece == found || (fold && piece.eq_ignore_ascii_case(&found))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious one.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            Some((piece, rest)) => text
                .split_first()
                .is_some_and(|(c, text)| (*piece == '_' || piece == c) && slow(rest, text)),
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_the_obvious_matcher_says(
            pattern in "[ab%_é]{0,8}", text in "[abé]{0,10}",
        ) {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(
                matches(&pattern, &text, false),
                slow(&chars(&pattern), &chars(&text))
            );
        }
    }

    #[test]
    fn case_folds_in_ascii_alone_and_nothing_escapes() {
        assert!(matches("A_C%", "abcd", true));
        assert!(!matches("A_C%", "abcd", false));
        assert!(!matches("É", "é", true));
        assert!(matches("100\\%", "100\\ and more", false));
        assert!(matches("%", "", false) && matches("", "", false) && !matches("_", "", false));
    }

    #[test]
    fn many_wildcards_end_soon() {
        assert!(!matches(&"%a".repeat(50), &"b".repeat(5_000), false));
    }
}
