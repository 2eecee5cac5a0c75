//! Writes one page with every block and chart: `cargo run -p mlops-report --example gallery -- out.html`.

use mlops_core::{EventTime, Seed, Span};
use mlops_report::{
    BarChart, Callout, Card, Cell, CurveChart, DataTable, HistogramPair, LineChart, Page, Section,
    Series, Sparkline, Timeline, Tone, format,
};

fn main() -> std::io::Result<()> {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "gallery.html".to_owned());
    std::fs::write(path, gallery().render())
}

fn gallery() -> Page {
    let start = EventTime::from_seconds(1_291_161_600);
    Page::new("Churn: from raw events to a retrained model")
        .subtitle("541,909 purchase lines, 1 Dec 2010 to 9 Dec 2011")
        .section("Summary", summary(start))
        .section("Data quality", quality())
        .section("Models", models())
        .section("Monitoring", monitoring(start))
        .section("Registry", registry(start))
        .footer("Made with generated numbers.")
}

fn summary(start: EventTime) -> Section {
    let psi = [0.01, 0.02, 0.015, 0.03, 0.02, 0.05, 0.31];
    Section::new()
        .cards([
            Card::new("PR-AUC", "0.712").note("base rate 0.312, 95 % 0.688 to 0.735").tone(Tone::Good),
            Card::new("Rows read", format::count(541_909)).note("135,080 without a customer"),
            Card::new("PSI of recency", "0.31")
                .sparkline(Sparkline::new("PSI by month", psi).tone(Tone::Bad))
                .tone(Tone::Bad),
            Card::new("Predict, one row", format::seconds(7.4e-6)).note("median of 100,000"),
        ])
        .add(Callout::new(
            Tone::Good,
            "Version 3 was promoted.",
            "Its PR-AUC of 0.712 is not below the champion's 0.689 less 0.005, and its log-loss is lower.",
        ))
        .add(Callout::new(Tone::Bad, "Drift in September.", "PSI of `recency_days` is 0.31, the limit is 0.2."))
        .add(Callout::new(Tone::Warn, "Few outcomes.", "Only 41 % of the predictions have an outcome."))
        .add(
            Timeline::new("What happened when")
                .period("Versions", start, start + Span::days(120), "version 1", Tone::Neutral)
                .period("Versions", start + Span::days(120), start + Span::days(285), "version 2", Tone::Neutral)
                .period("Versions", start + Span::days(285), start + Span::days(370), "version 3", Tone::Good)
                .event("Signals", start + Span::days(270), "data drift", Tone::Bad)
                .event("Signals", start + Span::days(280), "performance", Tone::Warn)
                .event("Signals", start + Span::days(368), "prediction drift", Tone::Warn)
                .event("Gate", start + Span::days(118), "passed", Tone::Good)
                .event("Gate", start + Span::days(200), "denied: log-loss", Tone::Bad)
                .event("Gate", start + Span::days(285), "passed", Tone::Good),
        )
}

fn quality() -> Section {
    let reasons = [
        ("customer_id is null", 135_080.0),
        ("quantity is negative", 10_624.0),
        ("unit_price is 0", 2_515.0),
        ("description is null", 1_454.0),
        ("invoice_date cannot be read", 3.0),
    ];
    let rejected = (0..500u64).map(|row| {
        [
            Cell::count(row * 977 + 13),
            "unit_price".into(),
            Cell::number(-11_062.06),
            "it is below 0".into(),
        ]
    });
    Section::new()
        .paragraph(
            "Rows that break an expectation are kept apart and listed with their row number.",
        )
        .add(BarChart::new("Rejected rows by reason").bars(reasons))
        .details(
            "Rejected rows",
            Section::new().add(
                DataTable::new("Rejected rows")
                    .number_column("Row")
                    .text_column("Column")
                    .number_column("Value")
                    .text_column("Reason")
                    .rows(rejected)
                    .show_at_most(8),
            ),
        )
}

fn models() -> Section {
    let names = [
        "boosting (0.871)",
        "logistic regression (0.828)",
        "decision tree (0.790)",
    ];
    let bends = [0.22, 0.32, 0.42];
    let grid = || (0..=200).map(|i| f64::from(i) / 200.0);
    let mut roc = CurveChart::roc("ROC").note("Area in brackets");
    let mut pr =
        CurveChart::precision_recall("Precision and recall", 0.312).note("Test months, 4,120 rows");
    let mut calibration = CurveChart::calibration("Calibration");
    let mut loss = LineChart::new("Loss by round")
        .x_label("round")
        .y_label("log-loss");
    for (i, (name, bend)) in names.iter().zip(bends).enumerate() {
        let mut rng = Seed(i as u64).rng();
        roc = roc.curve(*name, grid().map(|x| (x, x.powf(bend))));
        pr = pr.curve(
            *name,
            (0..=60).map(|i| f64::from(i) / 60.0).map(|r| {
                (
                    r,
                    (1.0 - 0.688 * r.powf(2.6 - 3.0 * bend) + 0.02 * rng.normal()).clamp(0.0, 1.0),
                )
            }),
        );
        calibration = calibration.curve(
            *name,
            (0..10)
                .map(|i| f64::from(i) / 10.0 + 0.05)
                .map(|p| (p, (p + 0.05 * rng.normal()).clamp(0.0, 1.0))),
        );
        loss = loss.series(Series::new(
            *name,
            (0..300).map(|r| {
                (
                    f64::from(r),
                    0.42 + bend / 4.0 + 0.25 * (-f64::from(r) / 60.0).exp() + 0.004 * rng.normal(),
                )
            }),
        ));
    }
    let importance = [
        ("purchase__recency_days", 0.312),
        ("purchase__amount_sum_90d", 0.201),
        ("purchase__invoice_count_90d", 0.148),
        ("purchase__amount_mean_30d", 0.087),
        (
            "purchase__distinct_products_over_a_very_long_window_365d",
            0.064,
        ),
        ("country", 0.021),
    ];
    let table = DataTable::new("Models on the test months")
        .text_column("Model")
        .number_column("PR-AUC")
        .text_column("95 %")
        .number_column("ROC-AUC")
        .number_column("Log-loss")
        .number_column("Brier")
        .text_column("Training loss");
    let rows = [
        ("boosting", 0.712, Tone::Good),
        ("logistic regression", 0.655, Tone::Neutral),
        ("base rate", 0.312, Tone::Bad),
    ];
    let table = rows.iter().fold(table, |table, (name, pr_auc, tone)| {
        table.row([
            (*name).into(),
            Cell::fixed(*pr_auc, 3).tone(*tone),
            format!("{pr_auc:.3} ± 0.024").into(),
            Cell::fixed(pr_auc + 0.15, 3),
            Cell::fixed(0.9 - pr_auc / 2.0, 3),
            Cell::fixed(0.15, 4),
            Cell::sparkline(Sparkline::new(
                "loss",
                (0..40).map(|i| (-f64::from(i) / 9.0).exp()),
            )),
        ])
    });
    Section::new()
        .add(table)
        .side_by_side([roc.into(), pr.into()])
        .side_by_side([
            calibration.into(),
            BarChart::new("What the model looks at")
                .bars(importance)
                .percent()
                .into(),
        ])
        .add(loss)
}

fn monitoring(start: EventTime) -> Section {
    let months = || (0..12u32).map(move |m| start + Span::days(30 * m));
    let psi = [
        0.01, 0.02, 0.03, 0.02, 0.04, 0.03, 0.05, 0.04, 0.19, 0.31, 0.36, 0.33,
    ];
    let drift = LineChart::new("Drift by month")
        .note("Against the training profile of the version that served")
        .y_label("PSI")
        .series(Series::new("recency_days", months().zip(psi)))
        .series(Series::new(
            "amount_sum_90d",
            months().zip(psi.map(|p| p * 0.3)),
        ))
        .limit("limit", 0.2)
        .marker("version 2", start + Span::days(120))
        .marker("version 3", start + Span::days(285))
        .from_zero();
    let metric = months().zip(psi).map(|(t, p)| (t, 0.72 - p / 3.0));
    let band = months()
        .zip(psi)
        .map(|(t, p)| (t, 0.69 - p / 3.0, 0.75 - p / 3.0));
    let performance = LineChart::new("PR-AUC once outcomes are known")
        .series(Series::new("PR-AUC", metric).band(band))
        .percent();
    let edges = [
        f64::NEG_INFINITY,
        5.0,
        12.0,
        24.0,
        38.0,
        55.0,
        81.0,
        120.0,
        170.0,
        240.0,
        f64::INFINITY,
    ];
    let recency = HistogramPair::bins("recency_days", edges)
        .note("PSI 0.31, adjusted p below 0.0001")
        .reference("training", [100.0; 10])
        .current(
            "September",
            [
                40.0, 50.0, 61.0, 70.0, 88.0, 101.0, 120.0, 150.0, 160.0, 171.0,
            ],
        );
    let country = HistogramPair::categories(
        "country",
        [
            "United Kingdom",
            "Germany",
            "France",
            "EIRE",
            "Spain",
            "Netherlands",
            "other",
        ],
    )
    .reference(
        "training",
        [9_000.0, 300.0, 280.0, 200.0, 90.0, 80.0, 400.0],
    )
    .current("September", [700.0, 60.0, 31.0, 25.0, 9.0, 10.0, 50.0]);
    Section::new()
        .add(drift)
        .side_by_side([recency.into(), country.into()])
        .add(performance)
        .add(
            BarChart::new("PSI by column")
                .limit("limit", 0.2)
                .toned_bar("recency_days", 0.31, Tone::Bad)
                .toned_bar("amount_sum_90d", 0.12, Tone::Neutral)
                .toned_bar("country", 0.04, Tone::Neutral),
        )
}

fn registry(start: EventTime) -> Section {
    let table = DataTable::new("Versions of churn")
        .number_column("Version")
        .text_column("Stage")
        .text_column("Created")
        .text_column("Digest")
        .number_column("PR-AUC")
        .row([
            Cell::count(3),
            Cell::text("Production").tone(Tone::Good),
            Cell::time(start + Span::days(285)),
            "9f2c41a07b12".into(),
            Cell::fixed(0.712, 3),
        ])
        .row([
            Cell::count(2),
            "Archived".into(),
            Cell::time(start + Span::days(120)),
            "41aa09cc7312".into(),
            Cell::fixed(0.689, 3),
        ])
        .row([
            Cell::count(1),
            "Archived".into(),
            Cell::time(start),
            "77eab0c2d9f1".into(),
            Cell::empty(),
        ]);
    Section::new()
        .add(table)
        .subheading("Evidence of the last promotion")
        .code("{\n  \"rows\": 4120,\n  \"champion\": 2,\n  \"pr_auc\": { \"candidate\": 0.712, \"champion\": 0.689 }\n}")
        .list(["Gate: `pr_auc` at least champion − 0.005: passed.", "Gate: `log_loss` not above champion: passed."])
}
