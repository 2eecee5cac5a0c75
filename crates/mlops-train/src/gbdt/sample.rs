//! The rows and columns that a tree may see, drawn from the seed.

use mlops_core::Seed;

use super::settings::Goss;

/// Drawn rows in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawn {
    pub(crate) rows: Vec<u32>,
    /// Those that stand for others too, and by what factor they weigh more.
    pub(crate) heavier: Vec<u32>,
    pub(crate) factor: f64,
}

impl Drawn {
    /// The rows that were not drawn.
    pub(crate) fn others(&self, rows: usize) -> impl Iterator<Item = usize> + '_ {
        let mut drawn = self.rows.iter().peekable();
        (0..rows).filter(move |row| drawn.next_if(|next| **next as usize == *row).is_none())
    }
}

/// Each row with a chance of `share`; `None` for all rows.
pub(crate) fn rows(share: f64, rows: usize, seed: Seed) -> Option<Drawn> {
    if share >= 1.0 {
        return None;
    }
    let mut rng = seed.rng();
    let drawn = (0..u32::try_from(rows).expect("rows are bounded")).filter(|_| rng.unit() < share);
    Some(Drawn {
        rows: drawn.collect(),
        heavier: Vec::new(),
        factor: 1.0,
    })
}

/// The rows of the largest `sizes`, and some of the others.
///
/// # Reference
/// Ke et al. 2017, algorithm 2.
pub(crate) fn goss(shares: Goss, sizes: &[f64], seed: Seed) -> Drawn {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let top = ((sizes.len() as f64 * shares.top) as usize).clamp(1, sizes.len());
    let mut order = sizes.to_vec();
    let (_, threshold, _) = order.select_nth_unstable_by(top - 1, |a, b| b.total_cmp(a));
    let chance = shares.other / (1.0 - shares.top);
    let mut rng = seed.rng();
    let mut drawn = Drawn {
        rows: Vec::new(),
        heavier: Vec::new(),
        factor: chance.recip(),
    };
    for (row, size) in (0u32..).zip(sizes) {
        if size >= threshold {
            drawn.rows.push(row);
        } else if rng.unit() < chance {
            drawn.rows.push(row);
            drawn.heavier.push(row);
        }
    }
    drawn
}

/// Which of the features a tree may split on; at least one.
pub(crate) fn features(share: f64, count: usize, seed: Seed) -> Vec<bool> {
    if share >= 1.0 {
        return vec![true; count];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let wanted = ((count as f64 * share).round() as usize).max(1);
    let mut order: Vec<usize> = (0..count).collect();
    seed.rng().shuffle(&mut order);
    let mut enabled = vec![false; count];
    order[..wanted.min(count)]
        .iter()
        .for_each(|at| enabled[*at] = true);
    enabled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_features_come_in_the_share_asked_for() {
        assert_eq!(rows(1.0, 10, Seed(1)), None);
        let drawn = rows(0.3, 10_000, Seed(1)).unwrap();
        assert!((2_800..3_200).contains(&drawn.rows.len()) && drawn.rows.is_sorted());
        assert_eq!(drawn.others(10_000).count() + drawn.rows.len(), 10_000);
        assert_eq!(
            features(0.5, 9, Seed(2)).iter().filter(|on| **on).count(),
            5
        );
        assert_eq!(
            features(0.01, 9, Seed(2)).iter().filter(|on| **on).count(),
            1
        );
    }

    #[test]
    fn large_gradients_are_kept_and_the_others_stand_for_all() {
        let sizes: Vec<f64> = (0..10_000).map(|i| f64::from(i % 1000)).collect();
        let drawn = goss(
            Goss {
                top: 0.2,
                other: 0.1,
            },
            &sizes,
            Seed(1),
        );
        let top = drawn
            .rows
            .iter()
            .filter(|row| sizes[**row as usize] >= 800.0)
            .count();
        assert_eq!(top, 2_000);
        let others = drawn.heavier.len() as f64 * drawn.factor;
        assert!((others - 8_000.0).abs() < 800.0, "{others}");
    }
}
