//! The check before anything is computed, and the masks after it.

use std::{collections::BTreeSet, sync::Arc};

use arrow::array::{Array, ArrayRef, StringBuilder, new_null_array};
use mlops_core::{
    Access, Action, Authorizer, Column, Decision, Digest, Masking, Principal, Table, TableSchema,
    Value, ViewName,
};

use super::{SecretKey, policy::VIEW};
use crate::{
    Error, Feature, FeatureService, FeatureView, Field, Function, OnlineRow, Result, Status,
    service::quoted,
};

/// What a redacted value reads.
const REDACTED: &str = "redacted";

const NO_GRANT: &str = "no role of theirs has it";
const ONLY_LATEST: &str = "it is masked for them, and only its latest value can be";
const NO_KEY: &str = "it is shown to them as a hash, and no key for that was given";
const TRANSFORMED: &str = "it is masked for them, and a transform of the service could show it";

/// Somebody who asks, and the authorizer that is asked about them; cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard {
    authorizer: Arc<dyn Authorizer>,
    principal: Principal,
    key: Option<Arc<SecretKey>>,
}

/// The leave to see the features of one service, with what is to be masked.
#[derive(Debug, Clone)]
pub struct Permit {
    principal: Principal,
    masks: Vec<Mask>,
    features: BTreeSet<String>,
    whole: BTreeSet<ViewName>,
    key: Option<Arc<SecretKey>>,
}

#[derive(Debug, Clone)]
struct Mask {
    feature: String,
    view: ViewName,
    column: String,
    masking: Masking,
}

impl Guard {
    /// A guard for one principal.
    pub fn new(authorizer: Arc<dyn Authorizer>, principal: Principal) -> Self {
        Self {
            authorizer,
            principal,
            key: None,
        }
    }

    /// The key for values that are shown as hashes. Without one they are refused.
    #[must_use]
    pub fn hash_key(mut self, key: Arc<SecretKey>) -> Self {
        self.key = Some(key);
        self
    }

    /// Who asks.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The columns of a view that the principal can see in some form, in order: keys and event time always, fields as
    /// granted. Nothing if no column is granted.
    pub fn visible<'a>(&self, view: &'a FeatureView) -> Vec<&'a str> {
        if self.decide(view, None) == Decision::Deny {
            return Vec::new();
        }
        let keys = view.entity().keys().iter().map(|(key, _)| key.as_str());
        let fields = view.fields().iter().map(Field::name);
        let fields = fields.filter(|field| self.decide(view, Some(field)) != Decision::Deny);
        keys.chain([view.event_time()]).chain(fields).collect()
    }

    /// Leave to compute a service, or the first column of it that may not be read.
    ///
    /// `registered` are the views as the store has them; which fields are personal is read there.
    ///
    /// # Errors
    /// [`Error::AccessDenied`]; [`Error::UnknownView`], which names only views that the principal may read.
    pub fn check(&self, service: &FeatureService, registered: &[FeatureView]) -> Result<Permit> {
        let mut permit = Permit {
            principal: self.principal.clone(),
            masks: Vec::new(),
            features: BTreeSet::new(),
            whole: BTreeSet::new(),
            key: self.key.clone(),
        };
        for feature in service.features() {
            let name = feature.view().name();
            let view = registered.iter().find(|view| view.name() == name);
            if self.decide(view.unwrap_or(feature.view()), None) == Decision::Deny {
                let column = feature.reads().first().copied();
                let column = column.unwrap_or(feature.view().event_time());
                return Err(denied(&self.principal, name, column, NO_GRANT));
            }
            let view = view.ok_or_else(|| self.unknown(name, registered))?;
            if let Some(mask) = self.check_feature(feature, view)? {
                permit.masks.push(mask);
            }
            permit.features.insert(feature.name().to_string());
            let mut fields = view.fields().iter();
            if fields.all(|field| self.decide(view, Some(field.name())) == Decision::Allow) {
                permit.whole.insert(name.clone());
            }
        }
        // what a transform makes of a masked value is no masked value
        for transform in service.transforms() {
            let rests_on = |mask: &&Mask| {
                let features = service.features();
                let mut all = transform.rests_on.iter();
                all.any(|at| features[*at].name().as_str() == mask.feature)
            };
            if let Some(mask) = permit.masks.iter().find(rests_on) {
                return Err(permit.refused(mask, TRANSFORMED));
            }
            permit.features.insert(transform.name().to_string());
        }
        Ok(permit)
    }

    fn check_feature(&self, feature: &Feature, view: &FeatureView) -> Result<Option<Mask>> {
        let refuse = |column, reason| denied(&self.principal, view.name(), column, reason);
        let fields = feature.reads();
        let mut mask = None;
        for field in &fields {
            let masking = match self.decide(view, Some(field)) {
                Decision::Allow => continue,
                Decision::Deny => return Err(refuse(field, NO_GRANT)),
                Decision::Mask(masking) => masking,
            };
            if feature.function() != Function::Latest || fields.len() > 1 {
                return Err(refuse(field, ONLY_LATEST));
            }
            if masking == Masking::Hash && self.key.is_none() {
                return Err(refuse(field, NO_KEY));
            }
            mask = Some(Mask {
                feature: feature.name().to_string(),
                view: view.name().clone(),
                column: (*field).to_owned(),
                masking,
            });
        }
        Ok(mask)
    }

    /// The authorizer's answer about a column, or about the view if there is none.
    fn decide(&self, view: &FeatureView, column: Option<&str>) -> Decision {
        // a field that the registered view does not have is nobody's to read
        let field = match column {
            None => None,
            Some(name) => match view.field(name) {
                Ok(field) => Some(field),
                Err(_) => return Decision::Deny,
            },
        };
        let access = Access {
            kind: VIEW,
            name: view.name().as_str(),
            column,
            personal: field.is_some_and(Field::is_pii),
        };
        self.authorizer
            .decide(&self.principal, Action::Read, &access)
    }

    fn unknown(&self, name: &ViewName, registered: &[FeatureView]) -> Error {
        let visible = registered
            .iter()
            .filter(|view| self.decide(view, None) != Decision::Deny);
        Error::UnknownView {
            view: name.to_string(),
            available: quoted(visible.map(|view| view.name().as_str())),
        }
    }
}

impl Permit {
    /// Whether the content of a view may be named by its digest: only for who may see all of it, since a digest
    /// confirms a guess.
    pub fn shows_digest_of(&self, view: &str) -> bool {
        self.whole.iter().any(|name| name.as_str() == view)
    }

    /// The joined table as the principal sees it; `spine` is what the caller brought.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] if there is a column that is neither the caller's nor a feature and could show what
    /// a mask hides.
    pub fn table(&self, table: &Table, spine: &TableSchema) -> Result<Table> {
        if self.masks.is_empty() {
            return Ok(table.clone());
        }
        let (mut columns, mut arrays) = (Vec::new(), Vec::new());
        let all = table.schema().columns().iter();
        for (column, array) in all.zip(table.batch().columns()) {
            let name = column.name();
            let mask = self.masks.iter().find(|mask| mask.feature == name);
            let brought = spine.columns().iter().any(|column| column.name() == name);
            if !brought && !self.features.contains(name) {
                return Err(self.transformed());
            }
            match mask {
                None => {
                    columns.push(column.clone());
                    arrays.push(Arc::clone(array));
                }
                Some(mask) => {
                    let masked = self.mask_array(mask, array)?;
                    let data_type = masked.data_type().clone();
                    columns.push(Column::new(name, data_type, column.role()).nullable(true));
                    arrays.push(masked);
                }
            }
        }
        Ok(Table::new(TableSchema::new(columns)?, arrays)?)
    }

    /// An online row as the principal sees it.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] as in [`table`](Self::table).
    pub fn row(&self, mut row: OnlineRow) -> Result<OnlineRow> {
        if self.masks.is_empty() {
            return Ok(row);
        }
        for (i, (name, value)) in row.values.iter_mut().enumerate() {
            if !self.features.contains(name.as_str()) {
                return Err(self.transformed());
            }
            let Some(mask) = self.masks.iter().find(|mask| mask.feature == name.as_str()) else {
                continue;
            };
            *value = self.mask_value(mask, value)?;
            if mask.masking == Masking::Null && row.statuses[i] == Status::Present {
                row.statuses[i] = Status::Null;
            }
        }
        Ok(row)
    }

    fn mask_array(&self, mask: &Mask, array: &ArrayRef) -> Result<ArrayRef> {
        if mask.masking == Masking::Null {
            return Ok(new_null_array(array.data_type(), array.len()));
        }
        let mut texts = StringBuilder::new();
        for row in 0..array.len() {
            let value = Value::from_array(&mask.feature, array, row)?;
            match self.mask_value(mask, &value)? {
                Value::Str(text) => texts.append_value(text),
                _ => texts.append_null(),
            }
        }
        Ok(Arc::new(texts.finish()))
    }

    fn mask_value(&self, mask: &Mask, value: &Value) -> Result<Value> {
        Ok(match (mask.masking, value) {
            (Masking::Null, _) | (_, Value::Null) => Value::Null,
            (Masking::Redact, _) => Value::from(REDACTED),
            (Masking::Hash, value) => {
                let key = self
                    .key
                    .as_ref()
                    .ok_or_else(|| denied(&self.principal, &mask.view, &mask.column, NO_KEY))?;
                // one hash for each column: equal values of two columns do not tell each other
                let content = (mask.view.as_str(), mask.column.as_str(), value);
                let bytes = serde_json::to_vec(&content).expect("values serialise");
                Value::Str(Digest::keyed(key.bytes(), &bytes).to_string())
            }
        })
    }

    fn transformed(&self) -> Error {
        self.refused(&self.masks[0], TRANSFORMED)
    }

    fn refused(&self, mask: &Mask, reason: &'static str) -> Error {
        denied(&self.principal, &mask.view, &mask.column, reason)
    }
}

fn denied(principal: &Principal, view: &ViewName, column: &str, reason: &'static str) -> Error {
    Error::AccessDenied {
        principal: principal.to_string(),
        view: view.to_string(),
        column: column.to_owned(),
        reason,
    }
}
