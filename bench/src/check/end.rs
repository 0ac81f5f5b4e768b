//! How a run ends: everybody has everything, then the evidence is gathered and judged.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::run::{Run, rooms_of};
use crate::{
    Failure, client,
    client::Phase,
    evidence::Evidence,
    history::History,
    parts::{eventually, postgres::STORED},
    report::Report,
    verify::{Anomaly, Check, verify},
};

/// More memory than that is a leak, in KiB.
const MEMORY: u64 = 1 << 20;

impl Run<'_> {
    /// Ends the load: everything is stored, every room has its marker, everybody has everything.
    ///
    /// # Errors
    /// When the evidence cannot be read.
    pub async fn end(mut self) -> Result<Report, Failure> {
        let patience = self.plan.end;
        let stats = Arc::clone(&self.stats);
        let (waiting, clients) = (
            async || stats.waiting.load(Relaxed) == 0,
            self.plan.size.clients,
        );
        self.phase.send_replace(Phase::Drain);
        let drained = eventually("every message is stored", patience, waiting).await;
        self.phase.send_replace(Phase::Mark);
        let markers: usize = (0..clients)
            .map(|index| rooms_of(self.plan.size, index).len())
            .sum();
        let marked = eventually("every client has every marker", patience, async || {
            stats.markers.load(Relaxed) >= markers
        });
        let marked = marked.await;
        for (outcome, name) in [(drained, "unsent"), (marked, "unheard")] {
            if let Err(error) = outcome {
                self.find(Check::C10, name, error.to_string());
            }
        }
        if let Err(error) = self
            .cluster
            .stored(self.ground, STORED.min(patience * 2))
            .await
        {
            self.find(Check::C1, "lost", error.to_string());
        }
        self.bounds().await;
        self.phase.send_replace(Phase::End);
        let mut histories: Vec<(usize, History)> = Vec::new();
        while let Some(ended) = self.clients.join_next().await {
            histories.push(ended?);
        }
        histories.sort_by_key(|(index, _)| *index);
        self.alive("the end");
        let indices = 0..clients;
        let evidence = Evidence::gather(
            self.ground,
            &self.cluster,
            histories.into_iter().map(|(_, history)| history).collect(),
            indices
                .clone()
                .map(|index| client::user(self.plan.seed, index))
                .collect(),
            indices
                .map(|index| rooms_of(self.plan.size, index))
                .collect(),
        )
        .await?;
        self.cluster.end().await?;
        if evidence.dead_letters > 0 {
            let what = format!("{} records could not be read", evidence.dead_letters);
            self.found.push(Anomaly {
                check: Check::C10,
                name: "dead letters",
                what,
            });
        }
        let (mut anomalies, counts) = verify(&evidence);
        anomalies.extend(self.found);
        let planned = self.plan.rounds.len();
        let applied = self.bands.iter().filter(|band| band.applied).count();
        Ok(Report {
            seed: self.plan.seed,
            anomalies,
            counts,
            bands: self.bands,
            planned,
            applied,
            least_acks: self.plan.least_acks,
            evidence,
        })
    }

    /// Memory and sockets at the end.
    async fn bounds(&mut self) {
        let mut sockets = 0;
        let mut wrong = Vec::new();
        for node in self.cluster.nodes() {
            if let Some(memory) = node.resident().filter(|memory| *memory > MEMORY) {
                wrong.push(format!("{} has {memory} KiB in memory", node.name));
            }
        }
        for node in &self.cluster.servers {
            let health = crate::http::get(node.direct(), "/healthz").await;
            let health = health
                .ok()
                .and_then(|(_, body)| serde_json::from_slice::<serde_json::Value>(&body).ok());
            sockets += health
                .and_then(|health| health["sockets"].as_u64())
                .unwrap_or_default();
        }
        let clients = self.plan.size.clients as u64;
        // Those that were cut off silently are told by their own silence, up to 45 s later.
        if sockets > clients * 2 {
            wrong.push(format!("{sockets} sockets for {clients} clients"));
        }
        for what in wrong {
            self.find(Check::C10, "unbounded", what);
        }
    }
}
