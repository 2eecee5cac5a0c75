//! Whether enough people signed: a role each, a person each.

use std::collections::BTreeMap;

use super::Approval;

/// The roles for which nobody is left, if the people who signed are told apart. A person with two roles signs for
/// one of them, whichever way fills more.
///
/// # Complexity
/// Roles times approvals times roles, at most: augmenting paths.
pub(super) fn missing(roles: &[String], approvals: &[&Approval]) -> Vec<String> {
    // by approval, the place in `roles` that it fills
    let mut fills: BTreeMap<usize, usize> = BTreeMap::new();
    let mut missing = Vec::new();
    for place in 0..roles.len() {
        if !fill(
            roles,
            approvals,
            place,
            &mut fills,
            &mut vec![false; approvals.len()],
        ) {
            missing.push(roles[place].clone());
        }
    }
    missing
}

fn fill(
    roles: &[String],
    approvals: &[&Approval],
    place: usize,
    fills: &mut BTreeMap<usize, usize>,
    tried: &mut [bool],
) -> bool {
    for (at, approval) in approvals.iter().enumerate() {
        if tried[at] || !approval.roles.contains(&roles[place]) {
            continue;
        }
        tried[at] = true;
        let before = fills.get(&at).copied();
        if before.is_none_or(|before| fill(roles, approvals, before, fills, tried)) {
            fills.insert(at, place);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use mlops_core::{Digest, EventTime, Principal};
    use proptest::prelude::*;

    use super::*;

    fn approval(number: usize, roles: &[usize]) -> Approval {
        Approval {
            principal: Principal::new(format!("p{number}")).unwrap(),
            roles: roles.iter().map(|role| format!("r{role}")).collect(),
            time: EventTime::from_seconds(0),
            comment: String::new(),
            bound: Digest::of(b""),
        }
    }

    /// Slow and obvious: the most roles that can be filled, trying every person for each.
    fn most(roles: &[String], approvals: &[&Approval]) -> usize {
        let Some((role, rest)) = roles.split_first() else {
            return 0;
        };
        let without = most(rest, approvals);
        let with = (0..approvals.len()).filter(|at| approvals[*at].roles.contains(role));
        with.map(|at| {
            let mut left = approvals.to_vec();
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
            let approvals: Vec<Approval> =
                people.iter().enumerate().map(|(at, roles)| approval(at, roles)).collect();
            let approvals: Vec<&Approval> = approvals.iter().collect();
            prop_assert_eq!(
                roles.len() - missing(&roles, &approvals).len(),
                most(&roles, &approvals)
            );
        }
    }

    #[test]
    fn one_person_with_both_roles_is_not_two() {
        let roles = ["r0".to_owned(), "r1".to_owned()];
        let both = approval(0, &[0, 1]);
        let one = approval(1, &[0]);
        assert_eq!(missing(&roles, &[&both]), ["r1"]);
        assert!(missing(&roles, &[&both, &one]).is_empty());
        assert!(missing(&roles, &[&one, &both]).is_empty());
    }
}
