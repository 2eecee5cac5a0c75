//! Where to cut a column of numbers: bins of about equal mass that never split a value.

/// The inner edges for at most `bins` bins of the sorted finite values.
///
/// A value that is more frequent than a bin (zero, in many columns) takes a bin for itself and
/// the rest is shared out anew among the bins that are left. A column with one value gets a bin
/// below and one above it, so that leaving the value is seen.
pub(super) fn choose(sorted: &[f64], bins: usize) -> Vec<f64> {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    if first == last {
        return around(*first, bins);
    }
    let mut edges = Vec::new();
    let (mut start, mut held) = (0, 0);
    // rows from `start` on are not in a closed bin; `held` of them are in the open one
    while start + held < sorted.len() && edges.len() + 1 < bins {
        let at = start + held;
        let group = sorted[at..]
            .iter()
            .take_while(|v| **v == sorted[at])
            .count();
        let target = (sorted.len() - start) as f64 / (bins - edges.len()) as f64;
        let (without, with) = (held as f64, (held + group) as f64);
        if held > 0 && with > target && target - without <= with - target {
            edges.push(sorted[at - 1]);
            (start, held) = (at, 0);
        } else if with >= target {
            if at + group < sorted.len() {
                edges.push(sorted[at]);
            }
            (start, held) = (at + group, 0);
        } else {
            held += group;
        }
    }
    edges
}

fn around(value: f64, bins: usize) -> Vec<f64> {
    let below = value.next_down();
    if bins >= 3 && below.is_finite() {
        vec![below, value]
    } else {
        vec![value]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges_follow_the_mass() {
        let even: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(choose(&even, 4), [25.0, 50.0, 75.0]);
        assert_eq!(choose(&[0.0, 0.0, 0.0, 1.0, 1.0, 2.0], 10), [0.0, 1.0]);
        assert_eq!(choose(&[], 10), Vec::<f64>::new());
        assert_eq!(choose(&[1.0, 2.0], 1), Vec::<f64>::new());
    }

    #[test]
    fn a_frequent_value_leaves_the_other_bins_to_the_rest() {
        let mut values = vec![0.0; 600];
        values.extend((1..=400).map(f64::from));
        let edges = choose(&values, 9);
        assert_eq!(edges.len(), 8);
        assert_eq!(edges[..3], [0.0, 50.0, 100.0]);
    }

    #[test]
    fn a_constant_is_left_on_either_side() {
        assert_eq!(choose(&[5.0, 5.0], 10), [5.0f64.next_down(), 5.0]);
        assert_eq!(choose(&[5.0], 2), [5.0]);
        assert_eq!(choose(&[f64::MIN], 10), [f64::MIN]);
    }

    proptest! {
        #[test]
        fn edges_rise_and_every_bin_holds_rows(mut values in prop::collection::vec(-20i32..20, 2..300), bins in 1usize..=20) {
            values.sort_unstable();
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let edges = choose(&values, bins);
            prop_assert!(edges.len() < bins.max(2));
            prop_assert!(edges.windows(2).all(|w| w[0] < w[1]));
            if values[0] < values[values.len() - 1] {
                for at in 0..=edges.len() {
                    let low = if at == 0 { f64::NEG_INFINITY } else { edges[at - 1] };
                    let high = edges.get(at).copied().unwrap_or(f64::INFINITY);
                    prop_assert!(values.iter().any(|v| low < *v && *v <= high));
                }
            }
        }
    }
}
