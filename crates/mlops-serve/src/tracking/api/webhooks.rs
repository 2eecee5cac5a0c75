//! Webhooks: made, listed, changed, deleted, tested. Where they are off, every route says so.

use std::{collections::BTreeSet, sync::Arc};

use mlops_core::{Clock, SystemClock, Uuid};
use mlops_registry::{NewWebhook, Webhook, WebhookEvent, WebhookUpdate};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{subject, view::millis};
use crate::tracking::{
    access::Right,
    failure::{Code, Failure, Outcome},
    params::Params,
    route::{Call, Needs, Reply, Route, Verb},
    webhook::{Refused, Sender, check_url},
};

const READ: Needs = Needs::RightOn(Right::Read, subject::server);
const MANAGE: Needs = Needs::RightOn(Right::Manage, subject::server);

pub(super) const ROUTES: &[Route] = &[
    Route::v2(Verb::Post, "/webhooks", MANAGE, create),
    Route::v2(Verb::Get, "/webhooks", READ, list),
    Route::v2(Verb::Get, "/webhooks/{webhook_id}", READ, get),
    Route::v2(Verb::Patch, "/webhooks/{webhook_id}", MANAGE, update),
    Route::v2(Verb::Delete, "/webhooks/{webhook_id}", MANAGE, delete),
    Route::v2(Verb::Post, "/webhooks/{webhook_id}/test", MANAGE, test),
];

#[derive(Debug, Serialize)]
struct EventView {
    entity: String,
    action: String,
}

#[derive(Debug, Serialize)]
struct WebhookView<'a> {
    webhook_id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    url: &'a str,
    events: Vec<EventView>,
    status: &'static str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
}

impl<'a> WebhookView<'a> {
    fn new(webhook: &'a Webhook) -> Self {
        let events = webhook.events.iter();
        Self {
            webhook_id: webhook.id.to_string(),
            name: &webhook.name,
            description: &webhook.description,
            url: &webhook.url,
            events: events
                .map(|event| EventView {
                    entity: event.entity().to_ascii_uppercase(),
                    action: event.action().to_ascii_uppercase(),
                })
                .collect(),
            status: if webhook.active { "ACTIVE" } else { "DISABLED" },
            creation_timestamp: millis(webhook.created),
            last_updated_timestamp: millis(webhook.updated),
        }
    }
}

fn told(webhook: &Webhook) -> Reply {
    #[derive(Serialize)]
    struct Told<'a> {
        webhook: WebhookView<'a>,
    }
    Reply::json(&Told {
        webhook: WebhookView::new(webhook),
    })
}

fn sender<'a>(call: &'a Call<'_>) -> Outcome<&'a Arc<Sender>> {
    call.app
        .sender
        .as_ref()
        .ok_or_else(|| Failure::new(Code::NotImplemented, "Webhooks are off on this server"))
}

fn id(params: &Params) -> Outcome<Uuid> {
    let text = params.text("webhook_id")?;
    Uuid::parse(text).map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        Failure::not_found(format!("Webhook with ID {shown} not found."))
    })
}

fn read_event(params: &Params) -> Outcome<WebhookEvent> {
    let entity = params.text("entity")?.to_ascii_lowercase();
    let action = params.text("action")?.to_ascii_lowercase();
    WebhookEvent::find(&entity, &action).ok_or_else(|| {
        let event: String = format!("{entity}.{action}").chars().take(64).collect();
        Failure::invalid(format!(
            "Invalid webhook event: this server does not tell of '{event}'"
        ))
    })
}

fn read_events(params: &Params) -> Outcome<BTreeSet<WebhookEvent>> {
    params.objects("events")?.iter().map(read_event).collect()
}

fn read_url(call: &Call<'_>, url: &str) -> Outcome<String> {
    check_url(url, sender(call)?.options())
        .map_err(|reason| Failure::invalid(format!("Invalid webhook URL: {reason}")))?;
    Ok(url.to_owned())
}

fn read_status(params: &Params) -> Outcome<Option<bool>> {
    match params.opt_text("status")? {
        None | Some("") => Ok(None),
        Some("ACTIVE") => Ok(Some(true)),
        Some("DISABLED") => Ok(Some(false)),
        Some(other) => Err(Failure::value(
            "status",
            &other.into(),
            "it must be ACTIVE or DISABLED",
        )),
    }
}

fn create(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    let secret = params.opt_text("secret")?.filter(|text| !text.is_empty());
    let new = NewWebhook {
        name: params.text("name")?.to_owned(),
        description: params
            .opt_text("description")?
            .unwrap_or_default()
            .to_owned(),
        url: read_url(call, params.text("url")?)?,
        events: read_events(params)?,
        secret: secret.map(str::to_owned),
        active: read_status(params)?.unwrap_or(true),
    };
    Ok(told(&call.registry.create_webhook(&new)?))
}

/// All of them in one page: there are few.
fn list(call: &Call<'_>) -> Outcome<Reply> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        webhooks: Vec<WebhookView<'a>>,
    }
    sender(call)?;
    let webhooks = call.registry.webhooks()?;
    Ok(Reply::json(&Told {
        webhooks: webhooks.iter().map(WebhookView::new).collect(),
    }))
}

fn get(call: &Call<'_>) -> Outcome<Reply> {
    sender(call)?;
    Ok(told(&call.registry.webhook(id(call.params)?)?))
}

fn update(call: &Call<'_>) -> Outcome<Reply> {
    let params = call.params;
    sender(call)?;
    let given = |param| Ok::<_, Failure>(params.opt_text(param)?.filter(|text| !text.is_empty()));
    let events = read_events(params)?;
    let update = WebhookUpdate {
        name: given("name")?.map(str::to_owned),
        description: params.opt_text("description")?.map(str::to_owned),
        url: given("url")?.map(|url| read_url(call, url)).transpose()?,
        events: (!events.is_empty()).then_some(events),
        secret: given("secret")?.map(str::to_owned),
        active: read_status(params)?,
    };
    Ok(told(&call.registry.update_webhook(id(params)?, &update)?))
}

fn delete(call: &Call<'_>) -> Outcome<Reply> {
    sender(call)?;
    call.registry.delete_webhook(id(call.params)?)?;
    Ok(Reply::empty())
}

/// Sends an example of an event, and tells the status of the answer and nothing else of it.
fn test(call: &Call<'_>) -> Outcome<Reply> {
    let sender = sender(call)?;
    let webhook = call.registry.webhook(id(call.params)?)?;
    let event = match call.params.opt_object("event")? {
        Some(event) => read_event(&event)?,
        None => *webhook
            .events
            .first()
            .ok_or_else(|| Failure::missing("event"))?,
    };
    let body = event.body(SystemClock.now(), &example(event));
    let delivery = call.registry.test_delivery(webhook.id, &body)?;
    let result = match Handle::current().block_on(sender.send(&delivery)) {
        Ok(status) => json!({"success": status < 400, "response_status": status}),
        Err(Refused::Address(reason)) => json!({"success": false, "error_message": reason}),
        Err(Refused::NoAnswer) => json!({"success": false, "error_message": "there was no answer"}),
    };
    Ok(Reply::json(&json!({ "result": result })))
}

fn example(event: WebhookEvent) -> Value {
    let (name, version) = ("example_model", "1");
    match event {
        WebhookEvent::RegisteredModelCreated => {
            json!({"name": name, "tags": {"example_key": "example_value"},
                   "description": "An example registered model"})
        }
        WebhookEvent::ModelVersionCreated => {
            json!({"name": name, "version": version, "source": "models:/123",
                   "run_id": "abcd1234abcd5678", "tags": {"example_key": "example_value"},
                   "description": "An example model version"})
        }
        WebhookEvent::ModelVersionTagSet => {
            json!({"name": name, "version": version, "key": "example_key",
                   "value": "example_value"})
        }
        WebhookEvent::ModelVersionTagDeleted => {
            json!({"name": name, "version": version, "key": "example_key"})
        }
        WebhookEvent::ModelVersionAliasCreated => {
            json!({"name": name, "alias": "example_alias", "version": version})
        }
        _ => json!({"name": name, "alias": "example_alias"}),
    }
}
