//! A card as one HTML file: curves, importances, segments, data and lineage.

use mlops_core::{Value, metric::Interval};
use mlops_report::{
    BarChart, Block, Callout, Card, Cell, CurveChart, DataTable, LineChart, Page, Section, Series,
    Tone, format,
};
use mlops_train::{
    Assessment, ClassesEvaluation, Dependence, Evaluation, NumbersEvaluation, Segments,
};

use super::ModelCard;

impl ModelCard {
    /// The card as one HTML file without scripts, as [`mlops_report`] writes it.
    pub fn html(&self) -> String {
        let mut page = Page::new(format!("{}: {}", self.model, self.trainer))
            .section("Summary", self.summary())
            .section("Performance", self.performance());
        if let Some(text) = &self.purpose {
            page = page.subtitle(text);
        }
        if !self.segments.is_empty() {
            page = page.section("Segments", self.by_segment());
        }
        if let Some(section) = self.reasons() {
            page = page.section("Why it answers so", section);
        }
        page.section("Data and lineage", self.origin()).render()
    }

    fn summary(&self) -> Section {
        let cards = self.headline().into_iter().map(|(name, i)| {
            let ends = format!(
                "{} % interval {:.3} to {:.3}",
                self.level(),
                i.lower,
                i.upper
            );
            Card::new(name, format::fixed(i.value, 3)).note(ends)
        });
        let mut section = Section::new().cards(cards).paragraph(self.remark());
        for limit in &self.limits {
            section = section.add(Callout::new(Tone::Warn, "Limit.", limit));
        }
        section
    }

    fn performance(&self) -> Section {
        match &self.assessment {
            Assessment::Binary(found) => binary(&self.trainer, found),
            Assessment::Numbers(found) => numbers(found),
            Assessment::Classes(found) => classes(found),
        }
    }

    fn by_segment(&self) -> Section {
        let tables = self.segments.iter().map(segment_table);
        tables.fold(
            Section::new().paragraph(
                "A segment whose interval lies wholly on the bad side of the value of all rows is worth a look; \
                 small segments are marked.",
            ),
            Section::add,
        )
    }

    fn reasons(&self) -> Option<Section> {
        let mut bars: Vec<Block> = Vec::new();
        if !self.importance.is_empty() {
            let shares = self.importance.iter().cloned();
            let chart = BarChart::new("Importance").bars(shares).show_at_most(15);
            bars.push(chart.into());
        }
        if let Some(found) = &self.permutation {
            let losses = found
                .inputs
                .iter()
                .map(|input| (input.input.clone(), input.mean));
            let title = format!("What {} loses without an input", found.metric);
            bars.push(BarChart::new(title).bars(losses).show_at_most(15).into());
        }
        if bars.is_empty() && self.dependence.is_empty() {
            return None;
        }
        let mut section = Section::new();
        if !bars.is_empty() {
            section = section.side_by_side(bars);
        }
        if !self.dependence.is_empty() {
            let charts: Vec<Block> = self.dependence.iter().map(dependence).collect();
            section = section
                .subheading("The mean answer at each value of an input")
                .side_by_side(charts);
        }
        Some(section)
    }

    fn origin(&self) -> Section {
        let data = DataTable::new("Rows")
            .text_column("Part")
            .number_column("Rows")
            .text_column("From")
            .text_column("To")
            .text_column("Digest")
            .rows(
                [("training", &self.train), ("test", &self.test)].map(|(name, data)| {
                    [
                        Cell::text(name),
                        Cell::count(data.rows),
                        Cell::date(data.first),
                        Cell::date(data.last),
                        Cell::text(data.digest.to_string()),
                    ]
                }),
            );
        let mut section = Section::new().add(data).paragraph(format!(
            "A model of the family `{}` with {} inputs: {}.",
            self.family,
            self.inputs.len(),
            self.inputs.join(", ")
        ));
        let tables = self
            .lineage
            .data
            .iter()
            .map(|(name, digest)| ("table", name, digest));
        let features = self
            .lineage
            .features
            .iter()
            .map(|(name, digest)| ("feature", name, digest));
        let rows: Vec<[Cell; 3]> = tables
            .chain(features)
            .map(|(kind, name, digest)| {
                [
                    Cell::text(kind),
                    Cell::text(name),
                    Cell::text(digest.to_string()),
                ]
            })
            .collect();
        if !rows.is_empty() {
            let table = DataTable::new("What the training rows were made from")
                .text_column("Kind")
                .text_column("Name")
                .text_column("Digest")
                .rows(rows)
                .show_at_most(30);
            section = section.add(table);
        }
        if let Some(revision) = &self.lineage.code_revision {
            section = section.paragraph(format!("Code revision `{revision}`."));
        }
        if !self.params.is_empty() {
            let rows = self.params.iter();
            let rows = rows.map(|(name, value)| [Cell::text(name), Cell::text(value)]);
            let table = DataTable::new(format!("Settings of {}", self.trainer))
                .text_column("Setting")
                .text_column("Value")
                .rows(rows);
            section = section.add(table);
        }
        section
    }
}

fn binary(name: &str, found: &Evaluation) -> Section {
    let pr = CurveChart::precision_recall("Precision over recall", found.base_rate)
        .curve(name, found.curves.pr.iter().copied());
    let roc = CurveChart::roc("ROC").curve(name, found.curves.roc.iter().copied());
    let bins = found.curves.calibration.iter();
    let bins = bins.map(|bin| (bin.mean_score, bin.positive_share));
    let calibration = CurveChart::calibration("Reliability").curve(name, bins);
    let charts: [Block; 3] = [roc.into(), pr.into(), calibration.into()];
    Section::new().side_by_side(charts)
}

fn numbers(found: &NumbersEvaluation) -> Section {
    let points = found
        .bins
        .iter()
        .map(|bin| (bin.mean_answer, bin.mean_label));
    let ideal = found
        .bins
        .iter()
        .map(|bin| (bin.mean_answer, bin.mean_answer));
    let chart = LineChart::new("Label over answer, in bins of equal numbers of rows")
        .x_label("mean answer")
        .y_label("mean label")
        .series(Series::new("label", points))
        .series(Series::new("exact", ideal));
    Section::new().add(chart)
}

fn classes(found: &ClassesEvaluation) -> Section {
    let share = |value: Option<f64>| value.map_or_else(Cell::empty, |v| Cell::fixed(v, 3));
    let report = DataTable::new("Classes")
        .text_column("Class")
        .number_column("Rows")
        .number_column("Precision")
        .number_column("Recall")
        .number_column("F1")
        .rows(found.classes.iter().map(|class| {
            [
                Cell::text(&class.name),
                Cell::count(class.rows),
                share(class.precision),
                share(class.recall),
                share(class.f1),
            ]
        }))
        .show_at_most(50);
    // wider than this nobody reads it
    let shown = found.classes.len().min(12);
    let mut confusion = DataTable::new("Rows by class, as they are called").text_column("Class");
    for class in &found.classes[..shown] {
        confusion = confusion.number_column(format!("called {}", class.name));
    }
    let confusion = confusion.rows((0..shown).map(|truth| {
        let counts = (0..shown).map(|called| {
            let cell = Cell::count(found.confusion.count(truth, called));
            if truth == called {
                cell.tone(Tone::Good)
            } else {
                cell
            }
        });
        std::iter::once(Cell::text(&found.classes[truth].name))
            .chain(counts)
            .collect::<Vec<_>>()
    }));
    Section::new().add(report).add(confusion)
}

fn segment_table(found: &Segments) -> DataTable {
    let mut table = DataTable::new(format!("By {}", found.column))
        .text_column("Segment")
        .number_column("Rows");
    for metric in &found.metrics {
        table = table.text_column(metric);
    }
    let rows = std::iter::once(&found.overall).chain(&found.segments);
    table.rows(rows.map(|segment| {
        let rows = Cell::count(segment.rows);
        let rows = if segment.small {
            rows.tone(Tone::Warn)
        } else {
            rows
        };
        let metrics = found.metrics.iter().map(|metric| {
            let value = segment.metrics.get(metric).copied().flatten();
            value.map_or_else(Cell::empty, interval)
        });
        [Cell::text(&segment.name), rows]
            .into_iter()
            .chain(metrics)
            .collect::<Vec<_>>()
    }))
}

fn interval(i: Interval) -> Cell {
    Cell::text(format!("{:.3} ({:.3} to {:.3})", i.value, i.lower, i.upper))
}

fn dependence(found: &Dependence) -> Block {
    let numbers: Option<Vec<f64>> = found.grid.iter().map(number).collect();
    // of several classes the first ones
    let outputs = found.outputs.min(3);
    let mean = |at: usize, output: usize| found.mean[at * found.outputs + output];
    let Some(grid) = numbers else {
        let bars = found.grid.iter().enumerate();
        let bars = bars.map(|(at, value)| (text(value), mean(at, 0)));
        let chart = BarChart::new(&found.input).bars(bars);
        return chart.in_given_order().into();
    };
    let chart = LineChart::new(&found.input)
        .x_label(&found.input)
        .y_label("mean answer");
    let lines = (0..outputs).map(|output| {
        let points = grid.iter().enumerate();
        let points = points.map(|(at, x)| (*x, mean(at, output)));
        let name = if outputs == 1 {
            "answer".to_owned()
        } else {
            format!("class {output}")
        };
        Series::new(name, points.collect::<Vec<_>>())
    });
    lines.fold(chart, LineChart::series).into()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(_) | Value::Float(_) => value.as_f64(),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "(missing)".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format::number(*number),
        Value::Str(text) => text.clone(),
        Value::Time(time) => time.to_string(),
        Value::List(_) | Value::Map(_) => String::new(),
    }
}
