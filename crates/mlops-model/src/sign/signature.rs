//! A signature over a blob, whatever file it came in.

use p256::ecdsa;

use crate::{
    PublicKey, Result, limit,
    sign::forms::{self, Parsed},
};

/// A signature over the SHA-256 of a blob, read or made; whether it is good is for a key to say.
///
/// ```
/// use mlops_model::{BlobSignature, SigningKey};
///
/// let (key, blob) = (SigningKey::generate()?, b"a blob");
/// let signature = key.sign(blob);
/// for file in [signature.to_base64(), signature.to_bundle(&key.public_key(), blob)] {
///     let back = BlobSignature::parse(file.as_bytes())?;
///     key.public_key().verify(blob, &back)?;
/// }
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BlobSignature {
    raw: ecdsa::Signature,
    claims: Claims,
}

/// What a signature's file says beside the signature. None of it is believed; all of it has to be true.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Claims {
    /// The SHA-256 of the blob.
    pub(super) digest: Option<[u8; 32]>,
    /// The hint of the key.
    pub(super) hint: Option<String>,
    /// The key.
    pub(super) key: Option<PublicKey>,
}

impl BlobSignature {
    pub(super) fn new(raw: ecdsa::Signature) -> Self {
        Self {
            raw,
            claims: Claims::default(),
        }
    }

    /// Reads any file that `cosign sign-blob --key` writes: a detached signature in base64 or DER, a
    /// sigstore bundle 0.3, or cosign's own older bundle.
    ///
    /// # Errors
    /// [`Error::MalformedSignature`](crate::Error::MalformedSignature) if it is none of these,
    /// [`Error::UnsupportedSignature`](crate::Error::UnsupportedSignature) if it was made with a
    /// certificate or is an attestation, [`Error::TooLarge`](crate::Error::TooLarge) beyond
    /// [`limit::SIGNATURE_BYTES`].
    pub fn parse(file: &[u8]) -> Result<Self> {
        limit::check(
            "the size of the signature's file in bytes",
            file.len(),
            limit::SIGNATURE_BYTES,
        )?;
        let Parsed { raw, claims } = forms::parse(file)?;
        Ok(Self { raw, claims })
    }

    /// The detached form: ASN.1 DER in base64 on one line, as `cosign sign-blob --output-signature` writes it.
    pub fn to_base64(&self) -> String {
        forms::base64(&self.raw)
    }

    /// The ASN.1 DER form, as `openssl dgst -sha256 -sign` writes it.
    pub fn to_der(&self) -> Vec<u8> {
        self.raw.to_der().as_bytes().to_vec()
    }

    /// A sigstore bundle 0.3 with the key's hint and the blob's digest, for `cosign verify-blob --bundle`.
    /// The key and the blob have to be those of the signature: nothing is checked here.
    pub fn to_bundle(&self, key: &PublicKey, blob: &[u8]) -> String {
        forms::bundle(&self.raw, key, blob)
    }

    /// The bundle that cosign wrote before version 3, with the key.
    pub fn to_legacy_bundle(&self, key: &PublicKey) -> String {
        forms::legacy_bundle(&self.raw, key)
    }

    pub(super) fn raw(&self) -> &ecdsa::Signature {
        &self.raw
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }
}
