//! What a page is made from: the registry in the name of who looks, what they may see, and whether links lead
//! anywhere. In a file without a server they do not.

use mlops_core::ModelName;
use mlops_registry::{ExperimentId, LoggedModelId, Registry, RunId};
use mlops_report::{Address, Link, Page};

use crate::tracking::{
    access::{Object, Right, Who},
    route::{Call, Reply},
};

/// The parts of the site.
pub(super) fn menu() -> [Link; 3] {
    [
        Link::new("Experiments", "/"),
        Link::new("Models", "/ui/models"),
        Link::new("Audit trail", "/ui/audit"),
    ]
}

/// A look at a registry.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) registry: &'a Registry,
    /// Who looks, through the server; nobody in particular makes a file.
    who: Option<&'a Who>,
}

impl<'a> View<'a> {
    /// Through the server.
    pub(super) fn of(call: &Call<'a>) -> Self {
        Self {
            registry: call.registry,
            who: Some(call.who),
        }
    }

    /// For a file.
    pub(super) fn file(registry: &'a Registry) -> Self {
        Self {
            registry,
            who: None,
        }
    }

    /// Whether there is a server behind the page.
    pub(super) fn is_served(&self) -> bool {
        self.who.is_some()
    }

    fn may_read(&self, object: &Object) -> bool {
        self.who.is_none_or(|who| who.may(Right::Read, object))
    }

    pub(super) fn may_read_experiment(&self, name: &str) -> bool {
        self.may_read(&Object::Experiment(name.to_owned()))
    }

    pub(super) fn may_read_model(&self, name: &ModelName) -> bool {
        self.may_read(&Object::Model(name.to_string()))
    }

    /// Whether there is nothing that the reader may not see.
    pub(super) fn may_see_everything(&self) -> bool {
        self.who.is_none_or(Who::may_everything)
    }

    /// A link, or its text in a file.
    pub(super) fn link(&self, text: impl Into<String>, address: Address) -> Link {
        if self.is_served() {
            Link::new(text, address)
        } else {
            Link::none(text)
        }
    }

    /// A page of the site.
    pub(super) fn page(&self, title: impl Into<String>) -> Page {
        let page = Page::new(title).wide();
        match self.who {
            None => page,
            Some(who) => page
                .menu(menu())
                .footer(format!("For {}. All times are in UTC.", who.principal)),
        }
    }
}

/// Hands a page over.
pub(super) fn reply(page: &Page) -> Reply {
    Reply::page(page.render())
}

pub(super) fn experiment(id: ExperimentId) -> Address {
    Address::new("/ui/experiments").piece(&id.to_string())
}

pub(super) fn run(id: &RunId) -> Address {
    Address::new("/ui/runs").piece(id.as_str())
}

pub(super) fn logged_model(id: &LoggedModelId) -> Address {
    Address::new("/ui/logged-models").piece(id.as_str())
}

pub(super) fn model(name: &ModelName) -> Address {
    Address::new("/ui/models").piece(name.as_str())
}

pub(super) fn version(name: &ModelName, version: u32) -> Address {
    model(name).piece("versions").piece(&version.to_string())
}

pub(super) fn pair(name: &ModelName, left: u32, right: u32) -> Address {
    model(name)
        .piece("compare")
        .with("left", &left.to_string())
        .with("right", &right.to_string())
}

/// The runs side by side.
pub(super) fn comparison<'a>(ids: impl IntoIterator<Item = &'a RunId>) -> Address {
    let start = Address::new("/ui/compare");
    ids.into_iter()
        .fold(start, |address, id| address.with("run_ids", id.as_str()))
}
