//! Webhooks made, listed, changed and deleted.

use std::collections::BTreeSet;

use mlops_core::{Digest, DigestBuilder, EventTime, Uuid};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{
    WebhookEvent,
    trail::{is_silent, move_to},
};
use crate::{
    Error, Registry, Result,
    error::{During, cut},
    key::check_length,
};

/// The most webhooks of one registry.
const WEBHOOKS: usize = 1_000;
const NAME: usize = 63;
const DESCRIPTION: usize = 1_000;
const URL: usize = 2_000;
const SECRET: usize = 1_000;

/// What a webhook is made of.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Its name: 1 to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
    pub name: String,
    /// What somebody said about it.
    pub description: String,
    /// The address that is told. Whether it may be one, whoever sends decides.
    pub url: String,
    /// What it is told of.
    pub events: BTreeSet<WebhookEvent>,
    /// What signs what is sent, if anything does.
    pub secret: Option<String>,
    /// Whether it is told anything at present.
    pub active: bool,
}

/// What is to change about a webhook; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookUpdate {
    /// Its name.
    pub name: Option<String>,
    /// What somebody said about it.
    pub description: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// What it is told of.
    pub events: Option<BTreeSet<WebhookEvent>>,
    /// What signs what is sent.
    pub secret: Option<String>,
    /// Whether it is told anything.
    pub active: Option<bool>,
}

/// A webhook as it stood when it was read; its secret is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Webhook {
    /// Its identity.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What somebody said about it.
    pub description: String,
    /// The address that is told.
    pub url: String,
    /// What it is told of.
    pub events: BTreeSet<WebhookEvent>,
    /// Whether it is told anything at present.
    pub active: bool,
    /// When it was made.
    pub created: EventTime,
    /// When it last changed.
    pub updated: EventTime,
}

impl Registry {
    /// Makes a webhook, which is told of what happens from now on.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] for the name, [`Error::TooLong`] or [`Error::TooMany`], [`Error::SecretKey`] if it has a
    /// secret and the registry was opened without a key for it; those of [`queue_events`](Self::queue_events).
    pub fn create_webhook(&self, new: &NewWebhook) -> Result<Webhook> {
        check(
            Some(&new.name),
            Some(&new.description),
            Some(&new.url),
            Some(&new.events),
            new.secret.as_ref(),
        )?;
        loop {
            let ends = self.ends_for_the_first()?;
            let made = self.database().write_durably(|tx| {
                if let Some(ends) = &ends {
                    // another first webhook may have come meanwhile, and is told of what came after it
                    if !is_silent(tx)? {
                        return Ok(None);
                    }
                    move_to(tx, ends)?;
                }
                self.insert_webhook(tx, new).map(Some)
            })?;
            if let Some(made) = made {
                return Ok(made);
            }
        }
    }

    fn insert_webhook(&self, tx: &Transaction<'_>, new: &NewWebhook) -> Result<Webhook> {
        let creating = "create a webhook";
        let (count, row): (u32, i64) = tx
            .query_row(
                "SELECT count(*), coalesce(max(id), 0) + 1 FROM webhook",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .during(creating)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count >= WEBHOOKS {
            return Err(Error::TooMany {
                what: "webhooks",
                found: count + 1,
                limit: WEBHOOKS,
            });
        }
        let now = self.now().micros();
        let digest = DigestBuilder::new()
            .part("webhook", &row.to_le_bytes())
            .part("time", &now.to_le_bytes())
            .part("actor", self.actor().as_str().as_bytes())
            .finish();
        let id = first_half(&digest);
        let sealed = new.secret.as_deref();
        let sealed = sealed.map(|secret| self.sealing().seal(id, secret));
        tx.execute(
            "INSERT INTO webhook
                (id, uid, name, description, url, sealed, status, created_us, created_by, updated_us)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8)",
            params![
                row,
                id.to_string(),
                new.name,
                new.description,
                new.url,
                sealed.transpose()?,
                status(new.active),
                now,
                self.actor().as_str(),
            ],
        )
        .during(creating)?;
        write_events(tx, row, &new.events)?;
        read(tx, id)
    }

    /// A webhook.
    ///
    /// # Errors
    /// [`Error::UnknownWebhook`], [`Error::Busy`] or [`Error::Database`].
    pub fn webhook(&self, id: Uuid) -> Result<Webhook> {
        self.database().read(|tx| read(tx, id))
    }

    /// All webhooks in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn webhooks(&self) -> Result<Vec<Webhook>> {
        let listing = "list the webhooks";
        self.database().read(|tx| {
            let ids: Vec<String> = tx
                .prepare_cached("SELECT uid FROM webhook ORDER BY id")
                .during(listing)?
                .query_map([], |row| row.get(0))
                .during(listing)?
                .collect::<rusqlite::Result<_>>()
                .during(listing)?;
            ids.iter().map(|id| read(tx, Uuid::parse(id)?)).collect()
        })
    }

    /// Changes a webhook. What is queued for it goes to its new address.
    ///
    /// # Errors
    /// As for [`create_webhook`](Self::create_webhook), and [`Error::UnknownWebhook`].
    pub fn update_webhook(&self, id: Uuid, update: &WebhookUpdate) -> Result<Webhook> {
        check(
            update.name.as_ref(),
            update.description.as_ref(),
            update.url.as_ref(),
            update.events.as_ref(),
            update.secret.as_ref(),
        )?;
        if update.active.is_some() || update.events.is_some() {
            // what has happened is told to those who were told of it then
            self.queue_all_events()?;
        }
        let sealed = update.secret.as_deref();
        let sealed = sealed.map(|secret| self.sealing().seal(id, secret));
        let sealed = sealed.transpose()?;
        self.database().write_durably(|tx| {
            let row = row_of(tx, id)?;
            tx.execute(
                "UPDATE webhook SET name = coalesce(?2, name), description = coalesce(?3, description),
                    url = coalesce(?4, url), sealed = coalesce(?5, sealed),
                    secret = CASE WHEN ?5 IS NULL THEN secret END,
                    status = coalesce(?6, status), updated_us = ?7
                 WHERE id = ?1",
                params![
                    row,
                    update.name,
                    update.description,
                    update.url,
                    sealed,
                    update.active.map(status),
                    self.now().micros(),
                ],
            )
            .during("change a webhook")?;
            if let Some(events) = &update.events {
                tx.execute("DELETE FROM webhook_event WHERE webhook_id = ?1", [row])
                    .during("change a webhook")?;
                write_events(tx, row, events)?;
            }
            read(tx, id)
        })
    }

    /// Deletes a webhook with all that is queued for it.
    ///
    /// # Errors
    /// [`Error::UnknownWebhook`], [`Error::Busy`] or [`Error::Database`].
    pub fn delete_webhook(&self, id: Uuid) -> Result<()> {
        self.database().write_durably(|tx| {
            tx.execute("DELETE FROM webhook WHERE id = ?1", [row_of(tx, id)?])
                .during("delete a webhook")
                .map(drop)
        })
    }
}

fn check(
    name: Option<&String>,
    description: Option<&String>,
    url: Option<&String>,
    events: Option<&BTreeSet<WebhookEvent>>,
    secret: Option<&String>,
) -> Result<()> {
    if let Some(name) = name {
        check_name(name)?;
    }
    for (what, text, limit) in [
        ("the description of the webhook", description, DESCRIPTION),
        ("the address of the webhook", url, URL),
        ("the secret of the webhook", secret, SECRET),
    ] {
        if let Some(text) = text {
            check_length(what, text, limit)?;
        }
    }
    if events.is_some_and(BTreeSet::is_empty) {
        return Err(Error::InvalidKey {
            kind: "webhook event",
            key: String::new(),
            reason: "a webhook is told of one event or more",
        });
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let bytes = name.as_bytes();
    let reason = if name.is_empty() || name.len() > NAME {
        "it must have 1 to 63 characters"
    } else if !end(bytes.first().copied()) || !end(bytes.last().copied()) {
        "it must begin and end with a letter or a digit"
    } else if !bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    {
        "only letters, digits, `-`, `_` and `.` are allowed"
    } else {
        return Ok(());
    };
    Err(Error::InvalidKey {
        kind: "webhook",
        key: cut(name),
        reason,
    })
}

/// The identity that half a digest makes.
pub(super) fn first_half(digest: &Digest) -> Uuid {
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    Uuid::from_bytes(half)
}

fn status(active: bool) -> &'static str {
    if active { "ACTIVE" } else { "DISABLED" }
}

fn write_events(tx: &Transaction<'_>, webhook: i64, events: &BTreeSet<WebhookEvent>) -> Result<()> {
    for event in events {
        tx.execute(
            "INSERT INTO webhook_event (webhook_id, event) VALUES (?1, ?2)",
            params![webhook, event.stored()],
        )
        .during("write the events of a webhook")?;
    }
    Ok(())
}

fn row_of(tx: &Transaction<'_>, id: Uuid) -> Result<i64> {
    tx.query_row(
        "SELECT id FROM webhook WHERE uid = ?1",
        [id.to_string()],
        |row| row.get(0),
    )
    .optional()
    .during("look up a webhook")?
    .ok_or(Error::UnknownWebhook { webhook: id })
}

fn read(tx: &Transaction<'_>, id: Uuid) -> Result<Webhook> {
    let reading = "read a webhook";
    let row = row_of(tx, id)?;
    let events: Vec<String> = tx
        .prepare_cached("SELECT event FROM webhook_event WHERE webhook_id = ?1")
        .during(reading)?
        .query_map([row], |row| row.get(0))
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)?;
    let events = events
        .iter()
        .filter_map(|event| WebhookEvent::read(event))
        .collect();
    let webhook = |row: &Row<'_>| {
        Ok(Webhook {
            id,
            name: row.get(0)?,
            description: row.get(1)?,
            url: row.get(2)?,
            events,
            active: row.get::<_, String>(3)? == status(true),
            created: EventTime::from_micros(row.get(4)?),
            updated: EventTime::from_micros(row.get(5)?),
        })
    };
    tx.query_row(
        "SELECT name, description, url, status, created_us, updated_us FROM webhook WHERE id = ?1",
        [row],
        webhook,
    )
    .during(reading)
}
