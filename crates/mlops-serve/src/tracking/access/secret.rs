//! Secrets: tokens with 256 bits of entropy, kept as their digests, and passwords, kept as Argon2id hashes.

use std::fmt;

use argon2::{
    Argon2, Params, PasswordVerifier,
    password_hash::{PasswordHasher, phc::PasswordHash},
};
use mlops_core::Digest;

use crate::{Error, Result};

/// Passwords shorter than this are refused.
const PASSWORD_CHARACTERS: usize = 12;
/// And longer ones cost no more than this to look at.
pub(super) const PASSWORD_BYTES: usize = 1024;
/// The most memory that a hash may ask for, in KiB.
const MEMORY_KIB: u32 = 64 << 10;
const TOKEN_PREFIX: &str = "mlops_";
const HASH_PREFIX: &str = "blake3:";

/// A secret that a program shows to be let in, as `Authorization: Bearer mlops_…`.
///
/// ```
/// use mlops_serve::AccessToken;
///
/// // 32 bytes from the operating system's generator
/// let token = AccessToken::from_entropy(&[7; 32]);
/// assert!(token.secret().starts_with("mlops_"));
/// assert!(token.hash().starts_with("blake3:")); // what the policy file has
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

impl AccessToken {
    /// The token of 32 bytes of entropy, which must come from a generator fit for secrets.
    pub fn from_entropy(entropy: &[u8; 32]) -> Self {
        Self(format!("{TOKEN_PREFIX}{}", Digest::of(entropy)))
    }

    /// The secret itself, to be shown once to its owner.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// What is kept of it: enough to know it again, and nothing to find it by.
    pub fn hash(&self) -> String {
        format!("{HASH_PREFIX}{}", digest(&self.0))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// The digest under which a token is looked up.
pub(super) fn digest(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

/// Reads what the policy file has of a token.
pub(super) fn read_token_hash(text: &str) -> Option<Digest> {
    text.strip_prefix(HASH_PREFIX)?.parse().ok()
}

/// The Argon2id hash of a password, as the policy file has it, with 16 bytes of salt.
///
/// # Errors
/// [`Error::InvalidSetting`] if the password is shorter than 12 characters or longer than 1024 bytes.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> Result<String> {
    if password.chars().count() < PASSWORD_CHARACTERS || password.len() > PASSWORD_BYTES {
        return Err(Error::InvalidSetting {
            setting: "password",
            reason: format!(
                "it must have {PASSWORD_CHARACTERS} characters or more, and at most {PASSWORD_BYTES} bytes"
            ),
        });
    }
    let hash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), salt)
        .expect("the default parameters take this salt and any password");
    Ok(hash.to_string())
}

/// A password's hash that was checked to be one, and to be affordable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredPassword(String);

impl StoredPassword {
    pub(super) fn read(text: &str) -> std::result::Result<Self, &'static str> {
        let hash = PasswordHash::new(text).map_err(|_| "it is not in PHC form")?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err("it is not an Argon2id hash");
        }
        let params = Params::try_from(&hash).map_err(|_| "its parameters are not Argon2's")?;
        if params.m_cost() > MEMORY_KIB || params.t_cost() > 16 || params.p_cost() > 16 {
            return Err("it asks for more than 64 MiB, 16 passes or 16 lanes");
        }
        if hash.hash.is_none() || hash.salt.is_none() {
            return Err("it lacks the salt or the hash");
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether the password is the one; takes some 20 milliseconds and 19 MiB.
    pub(super) fn is(&self, password: &str) -> bool {
        PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    }

    /// Knows a password again that was found right, for this process only.
    pub(super) fn mark(&self, password: &str) -> Digest {
        Digest::of(format!("{}\0{password}", self.0).as_bytes())
    }

    /// Costs what [`is`](Self::is) costs and is never right, so that a name that is none answers no sooner.
    pub(super) fn nobody(password: &str) -> bool {
        let mut out = [0; 32];
        let hashed = Argon2::default().hash_password_into(
            password.as_bytes(),
            b"nobody has this salt",
            &mut out,
        );
        std::hint::black_box((hashed.is_ok(), out));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_no_other_is() {
        let hash = hash_password("correct horse battery", &[3; 16]).unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let stored = StoredPassword::read(&hash).unwrap();
        assert!(stored.is("correct horse battery"));
        assert!(!stored.is("correct horse batterz"));
        assert!(!StoredPassword::nobody("correct horse battery"));
        assert!(hash_password("too short", &[3; 16]).is_err());
        assert!(hash_password("", &[3; 16]).is_err());
    }

    #[test]
    fn hashes_of_other_kinds_and_dear_ones_are_refused() {
        let hash = hash_password("correct horse battery", &[3; 16]).unwrap();
        for bad in [
            "correct horse battery".to_owned(),
            hash.replace("argon2id", "argon2i"),
            hash.replace("m=19456", "m=4000000"),
            hash.rsplit_once('$').unwrap().0.to_owned(),
            String::new(),
        ] {
            assert!(StoredPassword::read(&bad).is_err(), "{bad}");
        }
    }
}
