//! A card as Markdown, for a repository or a package.

use std::fmt::Write;

use mlops_core::metric::Interval;
use mlops_train::Assessment;

use super::{CardData, ModelCard};

impl ModelCard {
    /// The card as Markdown: tables instead of curves.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}: {}\n", cell(&self.model), cell(&self.trainer));
        if let Some(purpose) = &self.purpose {
            let _ = writeln!(text, "\n{}", cell(purpose));
        }
        text.push_str("\n## Metrics\n\n");
        let _ = writeln!(text, "| metric | value | {} % interval |", self.level());
        text.push_str("| --- | --- | --- |\n");
        for (name, i) in self.headline() {
            let (value, lower, upper) = (i.value, i.lower, i.upper);
            let _ = writeln!(text, "| {name} | {value:.4} | {lower:.4} to {upper:.4} |");
        }
        let _ = writeln!(text, "\n{}", self.remark());
        if let Assessment::Classes(found) = &self.assessment {
            text.push_str("\n| class | rows | precision | recall | F1 |\n");
            text.push_str("| --- | --- | --- | --- | --- |\n");
            for class in &found.classes {
                let share =
                    |value: Option<f64>| value.map_or_else(|| "-".into(), |v| format!("{v:.3}"));
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} | {} |",
                    cell(&class.name),
                    class.rows,
                    share(class.precision),
                    share(class.recall),
                    share(class.f1)
                );
            }
        }
        self.write_segments(&mut text);
        self.write_importance(&mut text);
        self.write_origin(&mut text);
        text
    }

    fn write_segments(&self, text: &mut String) {
        for found in &self.segments {
            let _ = writeln!(text, "\n## By `{}`\n", cell(&found.column));
            text.push_str("| segment | rows |");
            for metric in &found.metrics {
                let _ = write!(text, " {} |", cell(metric));
            }
            let _ = writeln!(
                text,
                "\n| --- | --- |{}",
                " --- |".repeat(found.metrics.len())
            );
            for segment in std::iter::once(&found.overall).chain(&found.segments) {
                let small = if segment.small { " (small)" } else { "" };
                let _ = write!(
                    text,
                    "| {}{small} | {} |",
                    cell(&segment.name),
                    segment.rows
                );
                for metric in &found.metrics {
                    let value = segment.metrics.get(metric).copied().flatten();
                    let _ = write!(text, " {} |", value.map_or_else(|| "-".into(), short));
                }
                text.push('\n');
            }
        }
    }

    fn write_importance(&self, text: &mut String) {
        if !self.importance.is_empty() {
            text.push_str("\n## Features by importance\n\n");
            for (feature, share) in self.importance.iter().take(20) {
                let _ = writeln!(
                    text,
                    "- `{}` {}",
                    cell(feature),
                    mlops_report::format::number(*share)
                );
            }
        }
        if let Some(found) = &self.permutation {
            let _ = writeln!(
                text,
                "\n## What {} loses without an input\n\n| input | loss | deviation |\n| --- | --- | --- |",
                cell(&found.metric)
            );
            for input in found.inputs.iter().take(20) {
                let (mean, deviation) = (input.mean, input.deviation);
                let name = cell(&input.input);
                let _ = writeln!(text, "| `{name}` | {mean:.4} | {deviation:.4} |");
            }
        }
    }

    fn write_origin(&self, text: &mut String) {
        if !self.limits.is_empty() {
            text.push_str("\n## Limits\n\n");
            for limit in &self.limits {
                let _ = writeln!(text, "- {}", cell(limit));
            }
        }
        text.push_str(
            "\n## Data\n\n| rows | count | from | to | digest |\n| --- | --- | --- | --- | --- |\n",
        );
        for (name, data) in [("training", &self.train), ("test", &self.test)] {
            let CardData {
                rows,
                first,
                last,
                digest,
            } = data;
            let (first, last) = (first.date(), last.date());
            let _ = writeln!(text, "| {name} | {rows} | {first} | {last} | `{digest}` |");
        }
        let _ = writeln!(
            text,
            "\n{} inputs: {}.",
            self.inputs.len(),
            self.inputs
                .iter()
                .map(|name| format!("`{}`", cell(name)))
                .collect::<Vec<_>>()
                .join(", ")
        );
        if !self.lineage.data.is_empty() {
            text.push_str("\nTables:\n\n");
            for (name, digest) in &self.lineage.data {
                let _ = writeln!(text, "- `{}` `{digest}`", cell(name));
            }
        }
        if let Some(revision) = &self.lineage.code_revision {
            let _ = writeln!(text, "\nCode revision `{}`.", cell(revision));
        }
        if !self.params.is_empty() {
            let _ = writeln!(text, "\n## Settings of `{}`\n", cell(&self.trainer));
            for (name, value) in &self.params {
                let _ = writeln!(text, "- `{}` {}", cell(name), cell(value));
            }
        }
    }
}

fn short(i: Interval) -> String {
    format!("{:.3} ({:.3} to {:.3})", i.value, i.lower, i.upper)
}

/// A text that cannot leave its line or its cell.
fn cell(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '<' | '[' => {
                clean.push('\\');
                clean.push(letter);
            }
            '`' => clean.push('\''),
            letter if letter.is_control() => clean.push(' '),
            letter => clean.push(letter),
        }
    }
    clean
}
