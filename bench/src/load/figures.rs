//! What one run measured, and what several runs say together.

use crate::say;

/// Rows of figures, by name.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<(String, Vec<f64>)>);

impl Figures {
    /// One more row.
    pub(super) fn add(&mut self, name: impl Into<String>, values: impl Into<Vec<f64>>) {
        self.0.push((name.into(), values.into()));
    }

    /// Of each figure the one in the middle. All runs measure the same.
    pub(super) fn medians(runs: &[Self]) -> Self {
        let Some(first) = runs.first() else {
            return Self::default();
        };
        let rows = first.0.iter().enumerate().map(|(row, (name, values))| {
            let medians = (0..values.len()).map(|column| {
                let mut all: Vec<f64> = runs.iter().map(|run| run.0[row].1[column]).collect();
                all.sort_by(f64::total_cmp);
                all[(all.len() - 1) / 2]
            });
            (name.clone(), medians.collect())
        });
        Self(rows.collect())
    }

    /// Prints a row a line; what did not happen is infinite.
    pub(super) fn print(&self) {
        for (name, values) in &self.0 {
            let shown: Vec<String> = values
                .iter()
                .map(|value| match value {
                    value if value.is_infinite() => "never".to_owned(),
                    value if value.fract() == 0.0 => format!("{value:.0}"),
                    value => format!("{value:.1}"),
                })
                .collect();
            say(format_args!("{name}\t{}", shown.join("\t")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: [f64; 2]) -> Figures {
        let mut figures = Figures::default();
        figures.add("calm", values);
        figures
    }

    #[test]
    fn each_figure_has_a_median_of_its_own() {
        let runs = [
            run([3.0, 10.0]),
            run([1.0, f64::INFINITY]),
            run([2.0, 30.0]),
        ];
        assert_eq!(
            Figures::medians(&runs).0,
            [("calm".to_owned(), vec![2.0, 30.0])]
        );
    }
}
