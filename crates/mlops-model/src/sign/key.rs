//! Keys: the secret one signs, the public one checks.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use p256::{
    SecretKey,
    ecdsa::{self, signature::Signer, signature::Verifier},
    pkcs8::{DecodePublicKey, EncodePublicKey},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    BlobSignature, Error, Result,
    sign::{key_file, signature::Claims},
};

const PUBLIC: &str = "PUBLIC KEY";

/// A secret key on the curve P-256. It is erased from memory when it goes, and never printed.
///
/// ```
/// use mlops_model::SigningKey;
///
/// let key = SigningKey::generate()?;
/// let signature = key.sign(b"a blob");
/// key.public_key().verify(b"a blob", &signature)?;
/// assert!(key.public_key().verify(b"another", &signature).is_err());
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(ecdsa::SigningKey);

impl SigningKey {
    /// A new key, from the operating system's generator: a key must not follow from a seed.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system gives no random numbers.
    pub fn generate() -> Result<Self> {
        // all but one in 2^32 draws are keys
        for _ in 0..16 {
            let mut bytes = Zeroizing::new([0; 32]);
            random(&mut *bytes)?;
            if let Ok(key) = SecretKey::from_slice(&*bytes) {
                return Ok(Self(key.into()));
            }
        }
        Err(Error::Random)
    }

    /// Reads a `cosign.key` and opens it with its password.
    ///
    /// # Errors
    /// [`Error::MalformedKey`] if it is no such file, [`Error::WrongPassword`] if the password does not
    /// open it or it was altered.
    ///
    /// # Complexity
    /// A guess at the password is meant to be dear: 32 to 128 MiB and a good part of a second.
    pub fn from_encrypted_pem(pem: &str, password: &[u8]) -> Result<Self> {
        let key: SecretKey = key_file::open(pem, password)?;
        Ok(Self(key.into()))
    }

    /// The key under a password, as `cosign generate-key-pair` writes it to `cosign.key`: PKCS#8 in NaCl's
    /// secretbox, its key derived by scrypt (N = 65 536, r = 8, p = 1).
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system gives no random numbers for salt and nonce.
    pub fn to_encrypted_pem(&self, password: &[u8]) -> Result<String> {
        key_file::seal(&SecretKey::from(&self.0), password)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs the SHA-256 of a blob. The nonce follows from key and blob (RFC 6979), so equal calls give
    /// equal signatures.
    pub fn sign(&self, blob: &[u8]) -> BlobSignature {
        let signature: ecdsa::Signature = self.0.sign(blob);
        BlobSignature::new(signature.normalize_s())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public half {})", self.public_key().hint())
    }
}

/// A public key on the curve P-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey(ecdsa::VerifyingKey);

impl PublicKey {
    /// Reads a `cosign.pub`: a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// [`Error::MalformedKey`] if it is something else or a key on another curve.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes())
            .map_err(|_| malformed("it is not one block of PEM"))?;
        if label != PUBLIC {
            return Err(malformed("its PEM block is not a `PUBLIC KEY`"));
        }
        ecdsa::VerifyingKey::from_public_key_der(&der)
            .map(Self)
            .map_err(|_| malformed("it is not a public key on the curve P-256"))
    }

    /// The key as `cosign.pub` holds it.
    pub fn to_pem(&self) -> String {
        pem_rfc7468::encode_string(PUBLIC, pem_rfc7468::LineEnding::LF, &self.der())
            .expect("a public key is short")
    }

    /// What sigstore's bundles call the key: the SHA-256 of its DER form, in base64.
    pub fn hint(&self) -> String {
        BASE64_STANDARD.encode(Sha256::digest(self.der()))
    }

    /// Checks that this key's secret half signed the blob, and that what the signature's file claims of
    /// key and blob is true.
    ///
    /// Both forms of an ECDSA signature pass, `(r, s)` and `(r, -s)`: cosign writes either. They vouch for
    /// the same key and the same blob.
    ///
    /// # Errors
    /// [`Error::SignatureMismatch`] if not.
    ///
    /// # Reference
    /// `openssl dgst -sha256 -verify` and `cosign verify-blob --key`.
    pub fn verify(&self, blob: &[u8], signature: &BlobSignature) -> Result<()> {
        let mismatch = |reason| Error::SignatureMismatch { reason };
        let Claims { digest, hint, key } = signature.claims();
        if hint.as_ref().is_some_and(|hint| *hint != self.hint()) {
            return Err(mismatch("it claims to be by another key"));
        }
        if key.is_some_and(|key| key != *self) {
            return Err(mismatch("it brings another key"));
        }
        if digest.is_some_and(|digest| digest[..] != Sha256::digest(blob)[..]) {
            return Err(mismatch("it claims another digest"));
        }
        self.0
            .verify(blob, signature.raw())
            .map_err(|_| mismatch("it is not by this key, or not of these bytes"))
    }

    fn der(&self) -> Vec<u8> {
        self.0
            .to_public_key_der()
            .expect("a point on the curve has a DER form")
            .into_vec()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.hint())
    }
}

/// Fills from the operating system's generator.
pub(super) fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::Random)
}

pub(super) fn malformed(reason: &'static str) -> Error {
    Error::MalformedKey { reason }
}
