//! The files that a signature travels in.
//!
//! Unknown fields are refused: what a reader skips, nobody has vouched for. Entries of a transparency
//! log and timestamps are known and left alone, since no decision rests on them.

use base64::{Engine, prelude::BASE64_STANDARD};
use p256::ecdsa;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use sha2::{Digest, Sha256};

use crate::{Error, PublicKey, Result, sign::signature::Claims};

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const ALGORITHM: &str = "SHA2_256";

/// A signature and what its file claims of it.
pub(super) struct Parsed {
    pub(super) raw: ecdsa::Signature,
    pub(super) claims: Claims,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle {
    media_type: String,
    verification_material: Material,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_signature: Option<MessageSignature>,
    #[serde(default, skip_serializing)]
    dsse_envelope: Option<IgnoredAny>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<KeyHint>,
    #[serde(default, skip_serializing)]
    certificate: Option<IgnoredAny>,
    #[serde(default, skip_serializing)]
    x509_certificate_chain: Option<IgnoredAny>,
    #[serde(default, skip_serializing, rename = "tlogEntries")]
    _log: Option<IgnoredAny>,
    #[serde(default, skip_serializing, rename = "timestampVerificationData")]
    _timestamps: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyHint {
    #[serde(default)]
    hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageSignature {
    message_digest: Option<MessageDigest>,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageDigest {
    algorithm: String,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Legacy {
    base64_signature: String,
    /// A PEM block in base64: the key, or a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cert: Option<String>,
    #[serde(default, skip_serializing, rename = "rekorBundle")]
    _log: Option<IgnoredAny>,
}

/// Tells the two bundles apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<IgnoredAny>,
}

pub(super) fn parse(file: &[u8]) -> Result<Parsed> {
    match file.first() {
        Some(b'{') => {
            let Kind { media_type } = json(file)?;
            if media_type.is_some() {
                parse_bundle(json(file)?)
            } else {
                parse_legacy(json(file)?)
            }
        }
        // ASN.1's SEQUENCE; base64 of it begins with `M`
        Some(b'0') => Ok(bare(from_der(file)?)),
        _ => {
            let line = file.strip_suffix(b"\n").unwrap_or(file);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            Ok(bare(from_base64(line)?))
        }
    }
}

fn parse_bundle(bundle: Bundle) -> Result<Parsed> {
    if bundle.media_type != MEDIA_TYPE {
        return Err(unsupported(
            "a bundle of another media type than sigstore's 0.3",
        ));
    }
    let material = bundle.verification_material;
    if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
        return Err(unsupported("a bundle with a certificate"));
    }
    if bundle.dsse_envelope.is_some() {
        return Err(unsupported("a bundle with an attestation"));
    }
    let message = bundle
        .message_signature
        .ok_or_else(|| malformed("its bundle has no signature"))?;
    let digest = message
        .message_digest
        .map(|MessageDigest { algorithm, digest }| {
            if algorithm != ALGORITHM {
                return Err(unsupported("a bundle with another digest than SHA2_256"));
            }
            let bytes = BASE64_STANDARD.decode(digest).ok();
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or_else(|| malformed("its digest is not 32 bytes in base64"))
        });
    Ok(Parsed {
        raw: from_base64(message.signature.as_bytes())?,
        claims: Claims {
            digest: digest.transpose()?,
            hint: material.public_key.map(|key| key.hint),
            key: None,
        },
    })
}

fn parse_legacy(legacy: Legacy) -> Result<Parsed> {
    let key = legacy.cert.map(|text| {
        let pem = BASE64_STANDARD.decode(text).ok();
        let pem = pem.and_then(|bytes| String::from_utf8(bytes).ok());
        let pem = pem.ok_or_else(|| malformed("its key is not PEM in base64"))?;
        if pem.starts_with("-----BEGIN CERTIFICATE-----") {
            return Err(unsupported("a bundle with a certificate"));
        }
        PublicKey::from_pem(&pem)
    });
    Ok(Parsed {
        raw: from_base64(legacy.base64_signature.as_bytes())?,
        claims: Claims {
            key: key.transpose()?,
            ..Claims::default()
        },
    })
}

pub(super) fn base64(raw: &ecdsa::Signature) -> String {
    BASE64_STANDARD.encode(raw.to_der().as_bytes())
}

pub(super) fn bundle(raw: &ecdsa::Signature, key: &PublicKey, blob: &[u8]) -> String {
    text(&Bundle {
        media_type: MEDIA_TYPE.to_owned(),
        verification_material: Material {
            public_key: Some(KeyHint { hint: key.hint() }),
            ..Material::default()
        },
        message_signature: Some(MessageSignature {
            message_digest: Some(MessageDigest {
                algorithm: ALGORITHM.to_owned(),
                digest: BASE64_STANDARD.encode(Sha256::digest(blob)),
            }),
            signature: base64(raw),
        }),
        dsse_envelope: None,
    })
}

pub(super) fn legacy_bundle(raw: &ecdsa::Signature, key: &PublicKey) -> String {
    text(&Legacy {
        base64_signature: base64(raw),
        cert: Some(BASE64_STANDARD.encode(key.to_pem())),
        _log: None,
    })
}

fn bare(raw: ecdsa::Signature) -> Parsed {
    Parsed {
        raw,
        claims: Claims::default(),
    }
}

fn from_base64(text: &[u8]) -> Result<ecdsa::Signature> {
    let der = BASE64_STANDARD
        .decode(text)
        .map_err(|_| malformed("it is neither base64 nor DER nor a bundle"))?;
    from_der(&der)
}

fn from_der(der: &[u8]) -> Result<ecdsa::Signature> {
    ecdsa::Signature::from_der(der).map_err(|_| malformed("it is not ECDSA on P-256 in DER"))
}

fn json<'a, T: Deserialize<'a>>(file: &'a [u8]) -> Result<T> {
    serde_json::from_slice(file).map_err(|_| malformed("its JSON is not a bundle's"))
}

fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts serialise")
}

fn malformed(reason: &'static str) -> Error {
    Error::MalformedSignature { reason }
}

fn unsupported(found: &'static str) -> Error {
    Error::UnsupportedSignature { found }
}
