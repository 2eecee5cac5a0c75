//! Keys that are used and never shown.

use std::{fmt, hint::black_box};

/// 32 secret bytes. They are not printed, not serialised and not written anywhere, and they are overwritten when
/// the value goes (as far as safe Rust can see to it).
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Takes the bytes; where they come from (a file, a key service) is the caller's affair.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.fill(0);
        black_box(&self.0); // or the writes would be taken for useless
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", SecretKey::new([7; 32])), "SecretKey(…)");
    }
}
