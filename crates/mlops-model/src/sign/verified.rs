//! The proof that a trust policy was met.

use std::ops::Deref;

use mlops_core::EventTime;

use crate::{BlobSignature, ModelPackage, Result, SigningKey, TrustPolicy};

/// Something that the keys of a policy have signed. Only verifying makes one.
///
/// ```
/// # use mlops_model::{Estimator, Linear, Link, ModelSpec, Output, Preprocess, Signature};
/// use mlops_core::EventTime;
/// use mlops_model::{ModelPackage, SigningKey, TrustPolicy, Verified};
///
/// # let signature = Signature::new([], Output::Probability { positive: "churned".into() })?;
/// # let linear = Linear { weights: vec![], bias: vec![0.25], link: Link::Identity };
/// # let spec = ModelSpec::new(signature.clone(), Preprocess::new(&signature, vec![])?, Estimator::Linear(linear))?;
/// let package = ModelPackage::builder(spec).build()?;
/// let key = SigningKey::generate()?;
/// let policy = TrustPolicy::single("release", key.public_key())?;
///
/// let signature = package.sign(&key);
/// let verified: Verified<ModelPackage> = package.verify(&policy, &[signature], EventTime::from_seconds(0))?;
/// assert_eq!(verified.signers(), ["release"]);
/// assert!(package.verify(&policy, &[], EventTime::from_seconds(0)).is_err());
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Verified<T> {
    inner: T,
    signers: Vec<String>,
}

impl<T> Verified<T> {
    /// The names of the trusted keys that signed.
    pub fn signers(&self) -> &[String] {
        &self.signers
    }

    /// What was verified, without the proof.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl ModelPackage {
    /// Signs the manifest, and by it every file. The signature travels beside the package, not in it:
    /// `manifest.json.sig` by custom.
    ///
    /// # Reference
    /// `cosign sign-blob --key cosign.key manifest.json`
    pub fn sign(&self, key: &SigningKey) -> BlobSignature {
        key.sign(self.manifest())
    }

    /// This package, verified: enough keys of the policy have signed it and are valid at `now`.
    ///
    /// What is verified is what is held in memory, parsed and compared with the manifest before: nothing is
    /// read again between the check and the use.
    ///
    /// # Errors
    /// Those of [`TrustPolicy::check`].
    ///
    /// # Reference
    /// `cosign verify-blob --key cosign.pub --signature manifest.json.sig --insecure-ignore-tlog manifest.json`
    pub fn verify(
        &self,
        policy: &TrustPolicy,
        signatures: &[BlobSignature],
        now: EventTime,
    ) -> Result<Verified<Self>> {
        let signers = policy.check(self.manifest(), signatures, now)?;
        Ok(Verified {
            inner: self.clone(),
            signers,
        })
    }
}
