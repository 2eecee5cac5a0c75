//! From the trail to the queue: what follows a cursor becomes deliveries, and the cursor moves, in one transaction.
//!
//! Invariant: the place of a cursor is that of the last commit whose events are in the queue, or were; so whoever is
//! killed in between leaves a commit that the next call finds. Invariant: while there is no webhook the cursors may
//! lag, and the first webhook moves them to the ends of their chains.

use mlops_core::{DigestBuilder, ModelName, Uuid};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    store::first_half,
    told::{Told, told},
};
use crate::{Registry, Result, backend::Chain, error::During};

const TELLING: &str = "queue the events of the trail";
/// How many deliveries may wait before the trail is left to wait itself.
const WAITING: i64 = 10_000;

/// The places of chains at one moment.
pub(super) type Places = Vec<(String, i64)>;

impl Registry {
    /// Queues what happened since it was queued last, for every active webhook that is told of it; the number of
    /// deliveries. It reads the audit trail, of one model or of all, and remembers in the database how far it has
    /// come: each change is queued once, by whichever process lives, whoever made it and wherever.
    ///
    /// While 10,000 deliveries wait, the trail waits too, and nothing is lost.
    ///
    /// # Errors
    /// [`Error::AuditBroken`](crate::Error::AuditBroken), [`Error::Stored`](crate::Error::Stored), [`Error::Log`](crate::Error::Log), [`Error::Busy`](crate::Error::Busy) or
    /// [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// Linear in what is new. On an object store each model costs a listing.
    pub fn queue_events(&self, model: Option<&ModelName>) -> Result<usize> {
        self.queue_events_up_to(model, WAITING)
    }

    /// All that has happened, whatever waits: before a webhook is made or told of other things.
    pub(super) fn queue_all_events(&self) -> Result<usize> {
        self.queue_events_up_to(None, i64::MAX)
    }

    fn queue_events_up_to(&self, model: Option<&ModelName>, most: i64) -> Result<usize> {
        if self.database().read(is_silent)? {
            return Ok(0);
        }
        self.begin()?;
        let mut queued = 0;
        for chain in self.models_backend().chains(model)? {
            queued += self.follow(&chain, most)?;
        }
        Ok(queued)
    }

    /// The ends of all chains, for a first webhook to begin at; `None` if it is not the first.
    pub(super) fn ends_for_the_first(&self) -> Result<Option<Places>> {
        if self.database().read(is_silent)? {
            return self.ends().map(Some);
        }
        self.queue_all_events()?;
        Ok(None)
    }

    fn ends(&self) -> Result<Places> {
        let models = self.models_backend();
        let mut places = Places::new();
        for chain in models.chains(None)? {
            places.push((chain.id.clone(), number(models.end(&chain)?)));
        }
        // a chain without a cursor is a new one from here on
        places.push((models.root()?, 0));
        Ok(places)
    }

    /// Begins at the ends of chains at a place that this database did not follow before.
    fn begin(&self) -> Result<()> {
        let root = self.models_backend().root()?;
        if self.database().read(|tx| place(tx, &root))?.is_some() {
            return Ok(());
        }
        let ends = self.ends()?;
        self.database().write_durably(|tx| match place(tx, &root)? {
            Some(_) => Ok(()),
            None => move_to(tx, &ends),
        })
    }

    /// Queues what follows the cursor of a chain.
    fn follow(&self, chain: &Chain, most: i64) -> Result<usize> {
        let mut queued = 0;
        loop {
            let (from, waiting) = self
                .database()
                .read(|tx| Ok((place(tx, &chain.id)?.unwrap_or(0), waiting(tx)?)))?;
            if waiting >= most {
                return Ok(queued);
            }
            let mut events = Vec::new();
            let place_read = u64::try_from(from).unwrap_or(0);
            let last = self
                .models_backend()
                .records_after(chain, place_read, &mut |record| {
                    events.extend(told(&record)?);
                    Ok(())
                })?;
            if last == place_read {
                return Ok(queued);
            }
            let now = self.now().micros();
            queued += self.database().write_durably(|tx| {
                // another process may have been faster, and goes on from there
                if place(tx, &chain.id)?.unwrap_or(0) != from {
                    return Ok(0);
                }
                let mut queued = 0;
                for told in &events {
                    queued += queue(tx, told, now)?;
                }
                move_to(tx, &[(chain.id.clone(), number(last))])?;
                Ok(queued)
            })?;
        }
    }
}

/// Whether there is no webhook that could be told anything.
pub(super) fn is_silent(tx: &Transaction<'_>) -> Result<bool> {
    tx.prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM webhook)")
        .during(TELLING)?
        .query_row([], |row| row.get(0))
        .during(TELLING)
}

/// Moves cursors; none moves back.
pub(super) fn move_to(tx: &Transaction<'_>, places: &[(String, i64)]) -> Result<()> {
    let mut moving = tx
        .prepare_cached(
            "INSERT INTO webhook_cursor (chain, place) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET place = max(place, excluded.place)",
        )
        .during(TELLING)?;
    for (chain, place) in places {
        moving.execute(params![chain, place]).during(TELLING)?;
    }
    Ok(())
}

fn place(tx: &Transaction<'_>, chain: &str) -> Result<Option<i64>> {
    tx.prepare_cached("SELECT place FROM webhook_cursor WHERE chain = ?1")
        .during(TELLING)?
        .query_row([chain], |row| row.get(0))
        .optional()
        .during(TELLING)
}

/// How many deliveries wait for webhooks that are told anything at present.
fn waiting(tx: &Transaction<'_>) -> Result<i64> {
    tx.prepare_cached(
        "SELECT count(*) FROM webhook_delivery JOIN webhook ON webhook.id = webhook_id
         WHERE status = 'ACTIVE'",
    )
    .during(TELLING)?
    .query_row([], |row| row.get(0))
    .during(TELLING)
}

/// Queues an event for those who are told of it. The identity of a delivery follows from the record and the webhook.
fn queue(tx: &Transaction<'_>, told: &Told, now: i64) -> Result<usize> {
    let webhooks: Vec<(i64, String)> = tx
        .prepare_cached(
            "SELECT webhook.id, uid FROM webhook JOIN webhook_event ON webhook_id = webhook.id
             WHERE event = ?1 AND status = 'ACTIVE' ORDER BY webhook.id",
        )
        .during(TELLING)?
        .query_map([told.event.stored()], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(TELLING)?
        .collect::<rusqlite::Result<_>>()
        .during(TELLING)?;
    for (webhook, uid) in &webhooks {
        tx.prepare_cached(
            "INSERT INTO webhook_delivery (webhook_id, uid, event, payload, made_us, due_us, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)",
        )
        .during(TELLING)?
        .execute(params![
            webhook,
            delivery_id(&told.record, uid).to_string(),
            told.event.stored(),
            told.body,
            now
        ])
        .during(TELLING)?;
    }
    Ok(webhooks.len())
}

fn delivery_id(record: &str, webhook: &str) -> Uuid {
    let digest = DigestBuilder::new()
        .part("record", record.as_bytes())
        .part("webhook", webhook.as_bytes())
        .finish();
    first_half(&digest)
}

fn number(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
