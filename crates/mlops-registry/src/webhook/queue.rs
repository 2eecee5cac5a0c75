//! What is still to be told: queued in the database, claimed for a while, reported on.

use mlops_core::{DigestBuilder, Span, Uuid};
use rusqlite::params;

use super::{sealing::Stored, store::first_half};
use crate::{Registry, Result, error::During};

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
    /// Takes deliveries that are due, the oldest first, and puts them off by a lease: what is not reported on until
    /// then is due again. One whose secret cannot be used is put off and not handed over; see
    /// [`check_webhook_secrets`](Self::check_webhook_secrets).
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn claim_deliveries(&self, most: usize, lease: Span) -> Result<Vec<Delivery>> {
        let claiming = "claim deliveries";
        let now = self.now();
        let due = "SELECT webhook_delivery.id, webhook_delivery.uid, webhook.uid, url, payload, attempts, secret, sealed
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
            let found: Vec<(i64, String, String, Stored, Delivery)> = tx
                .prepare_cached(due)
                .during(claiming)?
                .query_map(params![now.micros(), limit], |row| {
                    let attempts: u32 = row.get(5)?;
                    let delivery = Delivery {
                        id: Uuid::from_bytes([0; 16]),
                        webhook: Uuid::from_bytes([0; 16]),
                        url: row.get(3)?,
                        secret: None,
                        payload: row.get(4)?,
                        attempt: attempts.saturating_add(1),
                    };
                    let stored = Stored::read(row, 6)?;
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, stored, delivery))
                })
                .during(claiming)?
                .collect::<rusqlite::Result<_>>()
                .during(claiming)?;
            let mut claimed = Vec::with_capacity(found.len());
            for (row, id, webhook, stored, delivery) in found {
                let webhook = Uuid::parse(&webhook)?;
                let secret = self.sealing().open(webhook, &stored);
                tx.execute(
                    "UPDATE webhook_delivery SET attempts = attempts + ?3, due_us = ?2 WHERE id = ?1",
                    params![row, (now + lease).micros(), secret.is_ok()],
                )
                .during(claiming)?;
                if let Ok(secret) = secret {
                    claimed.push(Delivery {
                        id: Uuid::parse(&id)?,
                        webhook,
                        secret,
                        ..delivery
                    });
                }
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
    /// [`Error::UnknownWebhook`](crate::Error::UnknownWebhook), [`Error::SecretKey`](crate::Error::SecretKey),
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    pub fn test_delivery(&self, webhook: Uuid, payload: &str) -> Result<Delivery> {
        let testing = "read a webhook";
        let known = self.webhook(webhook)?;
        let stored = self.database().read(|tx| {
            tx.query_row(
                "SELECT secret, sealed FROM webhook WHERE uid = ?1",
                [webhook.to_string()],
                |row| Stored::read(row, 0),
            )
            .during(testing)
        })?;
        let secret = self.sealing().open(webhook, &stored)?;
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
