//! What is still to be told: queued in the database, claimed for a while, reported on.

use mlops_core::{DigestBuilder, Span, Uuid};
use rusqlite::params;

use super::{WebhookEvent, store::first_half};
use crate::{Registry, Result, error::During};

/// The most deliveries that wait; what is queued beyond is dropped and counted by the caller.
const WAITING: i64 = 10_000;

/// Something to be sent to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its identity, the same at every attempt.
    pub id: Uuid,
    /// The webhook.
    pub webhook: Uuid,
    /// Where to.
    pub url: String,
    /// What signs it.
    pub secret: Option<String>,
    /// The body.
    pub payload: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

impl Registry {
    /// Queues an event for every active webhook that is told of it; the number of deliveries.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn queue_event(&self, event: WebhookEvent, payload: &str) -> Result<usize> {
        let queueing = "queue an event";
        let hears = "SELECT webhook.id FROM webhook JOIN webhook_event ON webhook_id = webhook.id
            WHERE event = ?1 AND status = 'ACTIVE' ORDER BY webhook.id";
        let webhooks: Vec<i64> = self.database().read(|tx| {
            tx.prepare_cached(hears)
                .during(queueing)?
                .query_map([event.stored()], |row| row.get(0))
                .during(queueing)?
                .collect::<rusqlite::Result<_>>()
                .during(queueing)
        })?;
        if webhooks.is_empty() {
            return Ok(0);
        }
        let now = self.now().micros();
        self.database().write_durably(|tx| {
            let mut queued = 0;
            for webhook in &webhooks {
                let next: i64 = tx
                    .query_row(
                        "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence
                         WHERE name = 'webhook_delivery'",
                        [],
                        |row| row.get(0),
                    )
                    .during(queueing)?;
                let digest = DigestBuilder::new()
                    .part("delivery", &next.to_le_bytes())
                    .part("webhook", &webhook.to_le_bytes())
                    .part("time", &now.to_le_bytes())
                    .finish();
                queued += tx
                    .execute(
                        "INSERT INTO webhook_delivery
                            (webhook_id, uid, event, payload, made_us, due_us, attempts)
                         SELECT ?1, ?2, ?3, ?4, ?5, ?5, 0
                         WHERE (SELECT count(*) FROM webhook_delivery) < ?6
                            AND EXISTS (SELECT 1 FROM webhook WHERE id = ?1)",
                        params![
                            webhook,
                            first_half(&digest).to_string(),
                            event.stored(),
                            payload,
                            now,
                            WAITING
                        ],
                    )
                    .during(queueing)?;
            }
            Ok(queued)
        })
    }

    /// Takes deliveries that are due, the oldest first, and puts them off by a lease: what is not reported on until
    /// then is due again.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn claim_deliveries(&self, most: usize, lease: Span) -> Result<Vec<Delivery>> {
        let claiming = "claim deliveries";
        let now = self.now();
        let due = "SELECT webhook_delivery.id, webhook_delivery.uid, webhook.uid, url, secret, payload, attempts
            FROM webhook_delivery JOIN webhook ON webhook.id = webhook_id
            WHERE due_us <= ?1 AND status = 'ACTIVE' ORDER BY due_us, webhook_delivery.id LIMIT ?2";
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        // mostly there is none, and looking is cheaper than writing
        let waiting: bool = self.database().read(|tx| {
            tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM webhook_delivery WHERE due_us <= ?1)")
                .during(claiming)?
                .query_row([now.micros()], |row| row.get(0))
                .during(claiming)
        })?;
        if !waiting {
            return Ok(Vec::new());
        }
        self.database().write_durably(|tx| {
            let found: Vec<(i64, String, String, Delivery)> = tx
                .prepare_cached(due)
                .during(claiming)?
                .query_map(params![now.micros(), limit], |row| {
                    let attempts: u32 = row.get(6)?;
                    let delivery = Delivery {
                        id: Uuid::from_bytes([0; 16]),
                        webhook: Uuid::from_bytes([0; 16]),
                        url: row.get(3)?,
                        secret: row.get(4)?,
                        payload: row.get(5)?,
                        attempt: attempts.saturating_add(1),
                    };
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, delivery))
                })
                .during(claiming)?
                .collect::<rusqlite::Result<_>>()
                .during(claiming)?;
            let mut claimed = Vec::with_capacity(found.len());
            for (row, id, webhook, delivery) in found {
                tx.execute(
                    "UPDATE webhook_delivery SET attempts = attempts + 1, due_us = ?2 WHERE id = ?1",
                    params![row, (now + lease).micros()],
                )
                .during(claiming)?;
                claimed.push(Delivery {
                    id: Uuid::parse(&id)?,
                    webhook: Uuid::parse(&webhook)?,
                    ..delivery
                });
            }
            Ok(claimed)
        })
    }

    /// Strikes a delivery off the queue, because it arrived or because it is given up.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn finish_delivery(&self, id: Uuid) -> Result<()> {
        self.database().write_durably(|tx| {
            tx.execute(
                "DELETE FROM webhook_delivery WHERE uid = ?1",
                [id.to_string()],
            )
            .during("finish a delivery")
            .map(drop)
        })
    }

    /// Makes a delivery due again after some time.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn put_off_delivery(&self, id: Uuid, by: Span) -> Result<()> {
        let due = self.now() + by;
        self.database().write_durably(|tx| {
            tx.execute(
                "UPDATE webhook_delivery SET due_us = ?2 WHERE uid = ?1",
                params![id.to_string(), due.micros()],
            )
            .during("put off a delivery")
            .map(drop)
        })
    }

    /// A delivery to a webhook that is not queued: for a test of its address. Disabled webhooks are tested too.
    ///
    /// # Errors
    /// [`Error::UnknownWebhook`](crate::Error::UnknownWebhook), [`Error::Busy`](crate::Error::Busy) or
    /// [`Error::Database`](crate::Error::Database).
    pub fn test_delivery(&self, webhook: Uuid, payload: &str) -> Result<Delivery> {
        let testing = "read a webhook";
        let known = self.webhook(webhook)?;
        let secret = self.database().read(|tx| {
            tx.query_row(
                "SELECT secret FROM webhook WHERE uid = ?1",
                [webhook.to_string()],
                |row| row.get(0),
            )
            .during(testing)
        })?;
        let digest = DigestBuilder::new()
            .part("test", webhook.as_bytes())
            .part("time", &self.now().micros().to_le_bytes())
            .finish();
        Ok(Delivery {
            id: first_half(&digest),
            webhook,
            url: known.url,
            secret,
            payload: payload.to_owned(),
            attempt: 1,
        })
    }
}
