//! Who sees which column, and what is on the disk for those who see none.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::Principal;
//! use mlops_features::{
//!     AccessPolicy, DataType, Entity, Error, Feature, FeatureService, FeatureStore, FeatureView, Guard, days,
//! };
//!
//! let store = FeatureStore::new();
//! let view = FeatureView::builder("purchase")
//!     .entity(Entity::new("customer", [("customer_id", DataType::Int64)])?)
//!     .event_time("at")
//!     .field("amount", DataType::Float64)
//!     .field("phone", DataType::Utf8).pii()
//!     .build()?;
//! store.register(view.clone())?;
//!
//! let ada = Principal::new("ada@example.org")?;
//! let policy = AccessPolicy::new().member("analyst", ada.clone()).grant("analyst", "purchase", ["amount"]);
//! let store = store.guarded(Guard::new(Arc::new(policy), ada));
//!
//! let service = |feature| FeatureService::named("s").unwrap().feature(feature).build();
//! let now = mlops_features::EventTime::from_seconds(0);
//! let spend = service(Feature::sum(&view, "amount").over(days(30)))?;
//! assert!(store.online(&spend, &7.into(), now).is_ok());
//! let phone = service(Feature::latest(&view, "phone"))?;
//! let error = store.online(&phone, &7.into(), now).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`ada@example.org` may not read `phone` of feature view `purchase`: no role of theirs has it"
//! );
//! # Ok::<(), Error>(())
//! ```
//!
//! - An [`AccessPolicy`] is data: roles, their members, and the columns of the views that each may read. What it does
//!   not name is denied. Any other [`Authorizer`](mlops_core::Authorizer) serves as well.
//! - A [`GuardedStore`] is a store as one principal sees it: what may not be read is refused before anything is computed,
//!   aggregates of it as well, and the error says who, which view and which column. Keys and event times are always
//!   visible, for without them no feature can be joined.
//! - Personal data needs more than a grant: unless the role shows it, it is refused or masked. Of a masked column only
//!   the latest value can be asked for, since an aggregate of it would show what the mask hides.
//! - Which columns are personal is read from the *registered* view: a caller's own copy of the definition has no say.
//! - With the feature `encryption`: `SealedStore` round any online store, `Sealer` for values of one's own, and
//!   `EncryptedParquet` for files.
//!
//! What it does not do: it does not hold a caller who has the unguarded store. Hand out only the guarded one.

#[cfg(feature = "encryption")]
mod encryption;
mod guard;
mod guarded;
mod policy;
mod secret;

#[cfg(feature = "encryption")]
pub use encryption::{EncryptedParquet, KeyPlan, KeyRing, SealedStore, Sealer};
pub use guard::{Guard, Permit};
pub use guarded::GuardedStore;
pub use policy::{AccessPolicy, Columns, Personal, RoleGrants};
pub use secret::SecretKey;
