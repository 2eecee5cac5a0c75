//! `cosign.key`: a secret key under a password.
//!
//! A PEM block whose bytes are JSON: the scrypt parameters and salt, the secretbox nonce, and the boxed
//! PKCS#8 form of the key. Only the three strengths that were ever written are read, so a hostile file
//! cannot ask for gigabytes.

use base64::{Engine, prelude::BASE64_STANDARD};
use crypto_secretbox::{
    Key, Nonce, XSalsa20Poly1305,
    aead::{Aead, KeyInit},
};
use p256::{
    SecretKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    Error, Result, limit,
    sign::key::{malformed, random},
};

const WRITTEN: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const OLDER: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
/// The cost that is written, and the exponents of those that are read.
const LOG_N: u8 = 16;
const LOG_N_READ: [u8; 3] = [15, LOG_N, 17];
const R: u32 = 8;
const P: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Boxes a key under a password.
pub(super) fn seal(key: &SecretKey, password: &[u8]) -> Result<String> {
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    random(&mut salt)?;
    random(&mut nonce)?;
    let secret = derive(password, &salt, LOG_N);
    let der = key
        .to_pkcs8_der()
        .expect("a key on the curve has a DER form");
    let ciphertext = XSalsa20Poly1305::new(Key::from_slice(&*secret))
        .encrypt(Nonce::from_slice(&nonce), der.as_bytes())
        .expect("a key is short");
    let file = File {
        kdf: Kdf {
            name: KDF.to_owned(),
            params: Params {
                n: 1 << LOG_N,
                r: R,
                p: P,
            },
            salt: BASE64_STANDARD.encode(salt),
        },
        cipher: Cipher {
            name: CIPHER.to_owned(),
            nonce: BASE64_STANDARD.encode(nonce),
        },
        ciphertext: BASE64_STANDARD.encode(ciphertext),
    };
    let json = serde_json::to_vec(&file).expect("texts and numbers serialise");
    Ok(
        pem_rfc7468::encode_string(WRITTEN, pem_rfc7468::LineEnding::LF, &json)
            .expect("the file is short"),
    )
}

/// Opens what [`seal`] or cosign boxed.
pub(super) fn open(pem: &str, password: &[u8]) -> Result<SecretKey> {
    limit::check(
        "the size of the key file in bytes",
        pem.len(),
        limit::SIGNATURE_BYTES,
    )?;
    let (label, json) = pem_rfc7468::decode_vec(pem.as_bytes())
        .map_err(|_| malformed("it is not one block of PEM"))?;
    if label != WRITTEN && label != OLDER {
        return Err(malformed(
            "its PEM block is not an `ENCRYPTED SIGSTORE PRIVATE KEY`",
        ));
    }
    let file: File = serde_json::from_slice(&json)
        .map_err(|_| malformed("its content is not the JSON of a boxed key"))?;
    let Kdf { name, params, salt } = file.kdf;
    let log_n = LOG_N_READ.into_iter().find(|log| params.n == 1 << log);
    let (Some(log_n), R, P) = (log_n, params.r, params.p) else {
        return Err(malformed(
            "its scrypt parameters are none that cosign has written",
        ));
    };
    if name != KDF || file.cipher.name != CIPHER {
        return Err(malformed("it is not boxed by scrypt and nacl/secretbox"));
    }
    let decode = |text: &str| {
        BASE64_STANDARD
            .decode(text)
            .map_err(|_| malformed("its salt, nonce or ciphertext is not base64"))
    };
    let nonce: [u8; 24] = decode(&file.cipher.nonce)?
        .try_into()
        .map_err(|_| malformed("its nonce has another length than 24 bytes"))?;
    let ciphertext = decode(&file.ciphertext)?;
    let secret = derive(password, &decode(&salt)?, log_n);
    let der = XSalsa20Poly1305::new(Key::from_slice(&*secret))
        .decrypt(Nonce::from_slice(&nonce), &*ciphertext)
        .map_err(|_| Error::WrongPassword)?;
    let der = Zeroizing::new(der);
    SecretKey::from_pkcs8_der(&der)
        .map_err(|_| malformed("what is boxed is not a key on the curve P-256"))
}

fn derive(password: &[u8], salt: &[u8], log_n: u8) -> Zeroizing<[u8; 32]> {
    let params = scrypt::Params::new(log_n, R, P).expect("the costs that are read are allowed");
    let mut secret = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, &mut *secret).expect("32 bytes are allowed");
    secret
}
