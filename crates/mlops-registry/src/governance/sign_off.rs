//! Whether enough people signed: a role each, a person each.

use std::collections::{BTreeMap, BTreeSet};

/// The roles for which nobody is left, given the roles of each person. A person with two roles signs for one of
/// them, whichever way fills more.
///
/// # Complexity
/// Roles times people times roles, at most: augmenting paths.
pub(super) fn missing(roles: &[String], people: &[&BTreeSet<String>]) -> Vec<String> {
    // by person, the place in `roles` that they fill
    let mut fills: BTreeMap<usize, usize> = BTreeMap::new();
    let mut missing = Vec::new();
    for place in 0..roles.len() {
        let mut tried = vec![false; people.len()];
        if !fill(roles, people, place, &mut fills, &mut tried) {
            missing.push(roles[place].clone());
        }
    }
    missing
}

fn fill(
    roles: &[String],
    people: &[&BTreeSet<String>],
    place: usize,
    fills: &mut BTreeMap<usize, usize>,
    tried: &mut [bool],
) -> bool {
    for (at, person) in people.iter().enumerate() {
        if tried[at] || !person.contains(&roles[place]) {
            continue;
        }
        tried[at] = true;
        let before = fills.get(&at).copied();
        if before.is_none_or(|before| fill(roles, people, before, fills, tried)) {
            fills.insert(at, place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(roles: &[usize]) -> BTreeSet<String> {
        roles.iter().map(|role| format!("r{role}")).collect()
    }

    /// Slow and obvious: the most roles that can be filled, trying every person for each.
    fn most(roles: &[String], people: &[&BTreeSet<String>]) -> usize {
        let Some((role, rest)) = roles.split_first() else {
            return 0;
        };
        let without = most(rest, people);
        let with = (0..people.len()).filter(|at| people[*at].contains(role));
        with.map(|at| {
            let mut left = people.to_vec();
            left.remove(at);
            1 + most(rest, &left)
        })
        .max()
        .map_or(without, |with| with.max(without))
    }

    proptest! {
        #[test]
        fn as_many_roles_are_filled_as_can_be(
            roles in prop::collection::vec(0..4_usize, 0..5),
            people in prop::collection::vec(prop::collection::vec(0..4_usize, 0..3), 0..5),
        ) {
            let roles: Vec<String> = roles.iter().map(|role| format!("r{role}")).collect();
            let people: Vec<BTreeSet<String>> = people.iter().map(|roles| person(roles)).collect();
            let people: Vec<&BTreeSet<String>> = people.iter().collect();
            prop_assert_eq!(roles.len() - missing(&roles, &people).len(), most(&roles, &people));
        }
    }

    #[test]
    fn one_person_with_both_roles_is_not_two() {
        let roles = ["r0".to_owned(), "r1".to_owned()];
        let both = person(&[0, 1]);
        let one = person(&[0]);
        assert_eq!(missing(&roles, &[&both]), ["r1"]);
        assert!(missing(&roles, &[&both, &one]).is_empty());
        assert!(missing(&roles, &[&one, &both]).is_empty());
    }
}
