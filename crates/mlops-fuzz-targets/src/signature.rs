//! No bytes make a signature's or a key's file panic, and what is read is written back as it was read.

use std::sync::LazyLock;

use mlops_model::{BlobSignature, PublicKey, SigningKey};

static OTHER: LazyLock<PublicKey> =
    LazyLock::new(|| SigningKey::generate().expect("random numbers").public_key());

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    if let Ok(signature) = BlobSignature::parse(data) {
        // nobody has this key, so nobody can have signed with it
        assert!(OTHER.verify(b"blob", &signature).is_err());
        for file in [
            signature.to_der(),
            signature.to_base64().into_bytes(),
            signature.to_bundle(&OTHER, b"blob").into_bytes(),
            signature.to_legacy_bundle(&OTHER).into_bytes(),
        ] {
            let back = BlobSignature::parse(&file).expect("what is written is read");
            assert_eq!(back.to_der(), signature.to_der());
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(key) = PublicKey::from_pem(text) {
            assert_eq!(PublicKey::from_pem(&key.to_pem()).ok(), Some(key));
        }
        // a file that is well formed costs half a second, and the fuzzer cannot make its box fit
        let _ = SigningKey::from_encrypted_pem(text, b"");
    }
}
