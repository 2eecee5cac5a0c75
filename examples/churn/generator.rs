//! A shop that never was: seeded purchase lines with growth, seasons, customers who drift away, and a
//! shift that is planted on a known day.
//!
//! Every customer has an engagement that a returned order lowers and a good one restores. It drives how
//! often and how much the customer buys, and whether the next order was the last. Churn depends on behaviour in ways
//! that a linear model cannot see: silence counts against the customer's own rhythm, and the loyal ones are those
//! who buy in the middle of the price range. On [`Shop::shift`] a postage fee arrives: price-sensitive customers order more rarely
//! and less at a time, return more, and leave sooner.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "days, products and baskets of a simulation are small and positive"
)]

use std::fmt::Write;

use mlops::core::{EventTime, Rng, Seed, Span};

/// The shop's size and dates.
#[derive(Debug, Clone)]
pub struct Shop {
    pub seed: Seed,
    /// Customers at the start; about three times as many have been seen by the end.
    pub customers: usize,
    pub start: EventTime,
    pub end: EventTime,
    pub shift: EventTime,
}

/// One line of an invoice.
struct Line {
    time: EventTime,
    invoice: u32,
    is_return: bool,
    customer: Option<usize>,
    product: usize,
    quantity: usize,
    price: f64,
    country: &'static str,
}

const COUNTRIES: [&str; 6] = [
    "United Kingdom",
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Norway",
];
/// Monthly growth of the customer base.
const GROWTH: f64 = 0.025;
/// Days simulated before the start, so that the first month is not everybody's first.
const BURN_IN: u32 = 400;

impl Shop {
    /// All purchase lines as CSV in the columns of the Online Retail data set, in order of time, with the flaws
    /// that such files have: guests without a customer number, unreadable dates, negative prices.
    pub fn csv(&self) -> Vec<u8> {
        let mut lines = self.lines();
        lines.sort_by_key(|line| (line.time, line.invoice));
        let mut rng = self.seed.derive("flaws").rng();
        let mut csv = String::with_capacity(lines.len() * 80);
        csv.push_str(
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
        );
        for line in &lines {
            let date = line.time.to_string().replace('T', " ");
            let date = date.get(..19).unwrap_or(&date);
            let (date, price) = match rng.below(20_000) {
                0 => ("n/a", line.price),
                1 => (date, -line.price),
                _ => (date, line.price),
            };
            let prefix = if line.is_return { "C" } else { "" };
            let sign = if line.is_return { "-" } else { "" };
            let customer = line
                .customer
                .map_or_else(String::new, |c| (10_000 + c).to_string());
            let _ = writeln!(
                csv,
                "{prefix}{},P{:04},\"Product {}, boxed\",{sign}{},{date},{price:.2},{customer},{}",
                500_000 + line.invoice,
                line.product,
                line.product,
                line.quantity,
                line.country,
            );
        }
        csv.into_bytes()
    }

    fn lines(&self) -> Vec<Line> {
        let days = self.end.since(self.start).unwrap_or(Span::ZERO).as_days() + f64::from(BURN_IN);
        let grown = (1.0 + GROWTH).powf(days / 30.4);
        // the base at the start of the burn-in, and everybody who joins after it
        let base = self.customers as f64 / (1.0 + GROWTH).powf(f64::from(BURN_IN) / 30.4);
        let total = (base * grown * 1.9) as usize;
        let mut lines = Vec::new();
        let mut invoice = 0;
        for customer in 0..total {
            let mut rng = self.seed.derive(&format!("customer {customer}")).rng();
            // joins follow the growth curve: the inverse of its cumulative share
            let share = (customer as f64 + 0.5) / total as f64;
            let joined = if share < 0.25 {
                -rng.exponential(60.0)
            } else {
                let u = (share - 0.25) / 0.75;
                (1.0 + u * (grown - 1.0)).ln() / (1.0 + GROWTH).ln() * 30.4
            };
            self.customer(
                customer,
                joined - f64::from(BURN_IN),
                &mut rng,
                &mut invoice,
                &mut lines,
            );
        }
        lines
    }

    /// Simulates one customer from the day of joining, in days since the start.
    fn customer(
        &self,
        id: usize,
        joined: f64,
        rng: &mut Rng,
        invoice: &mut u32,
        lines: &mut Vec<Line>,
    ) {
        let rhythm = (14.0 * (0.9 * rng.normal()).exp()).clamp(3.0, 60.0);
        let basket = (3.0 * (0.5 * rng.normal()).exp()).clamp(1.0, 12.0);
        let tier = rng.unit();
        let price_sensitive = rng.unit() < 0.6;
        let guest = rng.unit() < 0.02;
        let country = COUNTRIES[if rng.unit() < 0.8 {
            0
        } else {
            rng.below(COUNTRIES.len())
        }];
        let mut engagement: f64 = 1.0;
        let mut day = joined;
        loop {
            let at = self.instant(day);
            let fee = at.is_some_and(|t| t >= self.shift);
            let strain = if fee && price_sensitive { 0.45 } else { 1.0 };
            let pace = engagement * season(day) * strain;
            day += rng.exponential(rhythm / pace.max(0.05));
            let Some(mut time) = self.instant(day) else {
                break;
            };
            if time >= self.end {
                break;
            }
            time = opening_hours(time, rng);
            let fee = time >= self.shift;
            let size = 1 + (basket * engagement * rng.exponential(1.0)) as usize;
            let return_share = if fee { 0.16 } else { 0.06 };
            let mut returned = false;
            for _ in 0..size.min(40) {
                let product = 10 * (tier * 40.0) as usize + rng.below(10);
                let cheaper = if fee && price_sensitive { 0.6 } else { 1.0 };
                let price = (1.0 + 18.0 * tier) * (0.8 + 0.4 * rng.unit()) * cheaper;
                let line = Line {
                    time,
                    invoice: *invoice,
                    is_return: false,
                    customer: (!guest).then_some(id),
                    product,
                    quantity: 1 + rng.below(6),
                    price,
                    country,
                };
                if rng.unit() < return_share {
                    returned = true;
                    *invoice += 1;
                    let back = time + Span::hours(24 + u32::try_from(rng.below(240)).unwrap_or(0));
                    if back < self.end && back >= self.start {
                        lines.push(Line {
                            time: back,
                            invoice: *invoice,
                            is_return: true,
                            ..line
                        });
                    }
                }
                if time >= self.start {
                    lines.push(line);
                }
            }
            *invoice += 1;
            engagement *= (0.15 * rng.normal()).exp() * if returned { 0.6 } else { 1.0 };
            engagement = (engagement + 0.2 * (1.0 - engagement)).clamp(0.1, 1.3);
            // the shop is made for the middle: who buys only the cheapest or only the dearest leaves soon
            let fickle = 0.004 + 0.22 * (2.0 * (tier - 0.5).abs()).powi(3);
            let upset = if engagement < 0.5 { 0.45 } else { 0.0 };
            let fed_up = if fee && price_sensitive { 0.12 } else { 0.0 };
            if rng.unit() < fickle + upset + fed_up {
                break;
            }
        }
    }

    fn instant(&self, day: f64) -> Option<EventTime> {
        let micros = (day * 86_400e6) as i64;
        self.start
            .micros()
            .checked_add(micros)
            .map(EventTime::from_micros)
    }
}

/// Stronger before Christmas, weaker in high summer.
fn season(day: f64) -> f64 {
    1.0 + 0.12 * ((day - 330.0) / 365.25 * std::f64::consts::TAU).cos()
}

/// Moves an instant into the shop's hours, 08:00 to 20:00 UTC, on the same day, at a whole minute.
fn opening_hours(time: EventTime, rng: &mut Rng) -> EventTime {
    let day = time.micros().div_euclid(86_400_000_000) * 86_400_000_000;
    let minute = i64::try_from(8 * 60 + rng.below(12 * 60)).unwrap_or(480);
    EventTime::from_micros(day + minute * 60_000_000)
}
