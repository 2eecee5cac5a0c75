//! Whole pages: markup that is balanced and safe whatever goes in, and the same bytes every time.

use std::collections::BTreeSet;

use mlops_core::EventTime;
use mlops_report::{
    Address, BarChart, Block, Callout, Card, Cell, CurveChart, DataTable, Form, HistogramPair,
    LineChart, Link, Page, ParallelChart, ScatterChart, Section, Series, Sparkline, Timeline, Tone,
};
use proptest::prelude::*;

/// A page that puts `text` wherever a text may go, and draws `values` in every chart.
#[expect(clippy::too_many_lines, reason = "every block once")]
fn page(text: &str, values: &[f64]) -> Page {
    let points = || values.iter().enumerate().map(|(i, v)| (i as f64, *v));
    let pairs = || values.iter().map(|v| (*v, *v));
    let times = || {
        values
            .iter()
            .map(|v| EventTime::from_micros(v.to_bits().cast_signed()))
    };
    let line = LineChart::new(text)
        .note(text)
        .x_label(text)
        .y_label(text)
        .series(Series::new(text, points()).band(points().map(|(x, y)| (x, y, y + 1.0))))
        .series(Series::new(text, pairs()))
        .limit(text, values.first().copied().unwrap_or(0.5))
        .marker(text, values.last().copied().unwrap_or(0.5));
    let over_time = LineChart::new(text)
        .series(Series::new(text, times().zip(values.iter().copied())))
        .percent()
        .from_zero();
    let mut timeline = Timeline::new(text).note(text);
    for (at, tone) in times().zip(
        [Tone::Good, Tone::Bad, Tone::Warn, Tone::Neutral]
            .into_iter()
            .cycle(),
    ) {
        timeline =
            timeline
                .event(text, at, text, tone)
                .period("lane", EventTime::MIN, at, text, tone);
    }
    let counts = || values.iter().copied();
    let blocks: Vec<Block> = vec![
        line.into(),
        over_time.into(),
        timeline.into(),
        CurveChart::roc(text).note(text).curve(text, pairs()).into(),
        CurveChart::precision_recall(text, values.first().copied().unwrap_or(0.5))
            .curve(text, pairs())
            .into(),
        CurveChart::calibration(text).curve(text, pairs()).into(),
        HistogramPair::bins(text, counts())
            .reference(text, counts())
            .current(text, counts())
            .into(),
        HistogramPair::categories(text, values.iter().map(|_| text))
            .reference(text, counts())
            .into(),
        BarChart::new(text)
            .note(text)
            .bars(counts().map(|v| (text, v)))
            .limit(text, 0.3)
            .show_at_most(3)
            .into(),
        ScatterChart::new(text, text, text)
            .note(text)
            .dots(pairs().map(|(x, y)| (text, x, y)))
            .into(),
        ParallelChart::new(text, values.iter().map(|_| text))
            .numbers(text, counts().map(Some))
            .texts(text, counts().map(|_| Some(text)))
            .numbers(text, counts().map(Some))
            .into(),
        BarChart::new(text)
            .toned_bar(text, 0.0, Tone::Warn)
            .percent()
            .in_given_order()
            .into(),
    ];
    let table = DataTable::new(text)
        .text_column(text)
        .sorted_by(Address::new("/").piece(text), Some(true))
        .number_column(text)
        .rows(counts().map(|v| {
            [
                Cell::text(text).tone(Tone::Bad),
                v.into(),
                Cell::sparkline(Sparkline::new(text, counts())),
                Cell::link(Link::new(text, Address::new("/").with(text, text))).note(text),
                Cell::links([Link::new(text, text), Link::none(text)]).indent(9),
                Cell::tick("form", text, text, text),
            ]
        }));
    let form = Form::new("form", text)
        .text(text, text, text)
        .hint(text)
        .error(text)
        .hidden(text, text)
        .select(text, text, [(text, text)], text)
        .ticks(text, text, [(text, text, true)])
        .submit(text);
    let section = Section::new()
        .paragraph(text)
        .subheading(text)
        .list([text])
        .code(text)
        .cards([Card::new(text, text)
            .note(text)
            .sparkline(Sparkline::new(text, counts()))])
        .add(Callout::new(Tone::Warn, text, text))
        .add(table)
        .add(form)
        .links([Link::new(text, text), Link::new(text, "?a=b")])
        .details(text, Section::new().paragraph(text));
    let charts = blocks.iter().cloned().fold(Section::new(), Section::add);
    Page::new(text)
        .subtitle(text)
        .menu([
            Link::new(text, Address::new("/").piece(text)),
            Link::none(text),
        ])
        .crumbs([Link::new(text, text)])
        .wide()
        .section(text, section)
        .section(text, charts.side_by_side(blocks))
        .footer(text)
}

/// Reads the markup as a strict parser would: every tag closed in order, every attribute quoted,
/// every id used once and every reference to an id met. Gives the tags that were opened.
fn parse(html: &str) -> Result<Vec<String>, String> {
    let (style_start, style_end) = (
        html.find("<style>").ok_or("no style")?,
        html.find("</style>").ok_or("no style")?,
    );
    let html = format!("{}{}", &html[..style_start + 7], &html[style_end..]);
    let mut rest = html.strip_prefix("<!doctype html>\n").ok_or("no doctype")?;
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let (mut ids, mut references) = (BTreeSet::new(), BTreeSet::new());
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        if text.contains('>') || text.contains('"') {
            return Err(format!("bare markup in text: {text:?}"));
        }
        let end = rest[start..].find('>').ok_or("a tag does not end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let expected: Option<String> = open.pop();
            if expected.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {expected:?}"));
            }
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        while !attributes.trim().is_empty() {
            let (key, value) = attributes
                .split_once("=\"")
                .ok_or(format!("attributes {attributes:?}"))?;
            let (value, after) = value.split_once('"').ok_or("an attribute does not end")?;
            let key = key.trim();
            if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || key.starts_with("on")
            {
                return Err(format!("attribute {key:?}"));
            }
            match key {
                "id" if !ids.insert(value.to_owned()) => return Err(format!("id {value} twice")),
                "aria-labelledby" => references.extend(value.split(' ').map(str::to_owned)),
                "href" if value.starts_with('#') => {
                    references.insert(value[1..].to_owned());
                }
                "href" if value.starts_with("//") || !value.starts_with(['/', '?']) => {
                    return Err(format!("an outside link: {value}"));
                }
                "src" | "srcset" | "data" => return Err(format!("an outside reference: {value}")),
                _ => {}
            }
            attributes = after;
        }
        seen.push(name.to_owned());
        if !closed {
            open.push(name.to_owned());
        }
    }
    match references.difference(&ids).next() {
        Some(missing) => Err(format!("no element has the id {missing}")),
        None if !open.is_empty() => Err(format!("left open: {open:?}")),
        None => Ok(seen),
    }
}

const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onload='alert(1)",
    "</title></style></svg><iframe src=//x>",
    "a & b &lt; ]]> <!-- --> `<b>` `",
    "\u{202e}txt.exe \0\u{7}\u{1b}[31m",
    "漢字 émoji 🎉 ﷽ a\u{300}\u{301}",
];

#[test]
fn hostile_text_stays_text_everywhere() {
    let kinds = |html: &str| parse(html).map(BTreeSet::from_iter);
    let mut plain = kinds(&page("plain", &[0.1, 0.5, 0.2]).render()).unwrap();
    plain.insert("code".to_owned());
    for text in HOSTILE {
        let html = page(text, &[0.1, 0.5, 0.2]).render();
        let tags = kinds(&html).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert!(
            tags.is_subset(&plain),
            "{text:?} brought in {:?}",
            tags.difference(&plain)
        );
        for refused in ["<script", "<iframe", "<img", "\0", "\u{202e}", "\u{1b}"] {
            assert!(!html.contains(refused), "{text:?} let {refused:?} through");
        }
    }
}

#[test]
fn nothing_outside_is_referred_to() {
    let html = page("plain", &[1.0, 2.0]).render();
    for refused in ["http:", "https:", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(refused), "{refused}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn the_same_page_gives_the_same_bytes() {
    let render = || page("t", &[0.3, f64::NAN, -7.0, 1e9]).render();
    assert_eq!(render(), render());
}

#[test]
fn empty_charts_and_empty_pages_are_pages() {
    parse(&page("", &[]).render()).unwrap();
    parse(&Page::new("nothing").render()).unwrap();
}

#[test]
fn charts_say_in_words_what_they_show() {
    let chart = LineChart::new("Drift")
        .series(Series::new("psi", [(1.0, 0.02), (2.0, 0.31)]))
        .limit("limit", 0.2);
    let html = Page::new("t")
        .section("s", Section::new().add(chart))
        .render();
    let words =
        "Line chart from 1 to 2. psi: 2 points between 0.02 and 0.31, the last 0.31. limit at 0.2.";
    assert_eq!(html.matches(words).count(), 2);
}

#[test]
fn a_curve_of_many_points_stays_small() {
    let points =
        (0..200_000).map(|i| (f64::from(i) / 200_000.0, (f64::from(i) / 200_000.0).sqrt()));
    let html = Page::new("t").section(
        "s",
        Section::new().add(CurveChart::roc("r").curve("m", points)),
    );
    assert!(html.render().len() < 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_text_and_any_numbers_make_a_page(text in ".{0,40}", values in prop::collection::vec(any::<f64>(), 0..30)) {
        let html = page(&text, &values).render();
        if let Err(error) = parse(&html) {
            prop_assert!(false, "{error}");
        }
        for attribute in html.split_inclusive('"').filter(|a| a.ends_with("=\"")) {
            prop_assert!(!attribute.contains("NaN"));
        }
        let drawn = html.split(" d=\"").skip(1).map(|d| d.split('"').next().unwrap_or_default());
        for path in drawn {
            prop_assert!(path.bytes().all(|b| b.is_ascii_digit() || b"MLZ .-".contains(&b)), "{path}");
        }
    }
}
