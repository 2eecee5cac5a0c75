//! Signatures: good ones pass, nothing else does, and the forms are cosign's.

use std::{collections::BTreeMap, env, fs, path::Path, process::Command, sync::LazyLock};

use mlops_core::{Digest, ErrorKind, EventTime};
use mlops_model::{
    BlobSignature, Error, ModelPackage, PublicKey, SigningKey, TrustPolicy, TrustedKey, limit,
};
use proptest::prelude::*;
use serde::Deserialize;

const NOW: i64 = 1_000;

fn now() -> EventTime {
    EventTime::from_seconds(NOW)
}

/// Keys are dear to make in a debug build, and none of the tests changes them.
static KEYS: LazyLock<[SigningKey; 3]> =
    LazyLock::new(|| std::array::from_fn(|_| SigningKey::generate().unwrap()));

fn package(seed: u64) -> ModelPackage {
    let spec = crate::support::model(seed);
    ModelPackage::builder(spec)
        .trainer("random")
        .build()
        .unwrap()
}

fn of_all(threshold: usize) -> TrustPolicy {
    let names = ["alice", "bob", "carol"];
    let keys = KEYS.iter().zip(names);
    TrustPolicy::new(
        threshold,
        keys.map(|(key, name)| TrustedKey::new(name, key.public_key())),
    )
    .unwrap()
}

#[derive(Deserialize)]
struct Golden {
    blob: String,
    public: String,
    hint: String,
    other_public: String,
    p384_public: String,
    keys: Vec<Boxed>,
    weak_key: String,
    p384_key: String,
    signatures: BTreeMap<String, String>,
    bundle: String,
    legacy_bundle: String,
}

#[derive(Deserialize)]
struct Boxed {
    password: String,
    pem: String,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cosign/values.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn a_package_loads_under_a_policy_that_its_signatures_meet() {
    let package = package(3);
    let signatures: Vec<BlobSignature> = KEYS.iter().map(|key| package.sign(key)).collect();
    let verified = package.verify(&of_all(3), &signatures, now()).unwrap();
    assert_eq!(verified.signers(), ["alice", "bob", "carol"]);
    assert_eq!(verified.digest(), package.digest());
    assert_eq!(
        package.sign(&KEYS[0]),
        signatures[0],
        "signing is a function"
    );
    for needed in 1..=3 {
        for given in 0..=3 {
            let met = package.verify(&of_all(needed), &signatures[..given], now());
            assert_eq!(met.is_ok(), given >= needed, "{given} of {needed}");
        }
    }
    let error = package
        .verify(&of_all(2), &signatures[1..2], now())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(
        error.to_string(),
        "2 trusted keys must have signed, 1 of 1 signatures are good by: `bob`"
    );
}

#[test]
fn one_key_counts_once_however_it_signed() {
    let package = package(4);
    let manifest = &package.files()["manifest.json"];
    let signature = package.sign(&KEYS[0]);
    let key = KEYS[0].public_key();
    let forms = [
        signature.to_base64().into_bytes(),
        signature.to_der(),
        signature.to_bundle(&key, manifest).into_bytes(),
        signature.to_legacy_bundle(&key).into_bytes(),
        malleated(&signature.to_der()),
    ];
    let signatures: Vec<_> = forms
        .iter()
        .map(|f| BlobSignature::parse(f).unwrap())
        .collect();
    let error = package.verify(&of_all(2), &signatures, now()).unwrap_err();
    assert!(matches!(error, Error::Untrusted { found, given: 5, .. } if found == ["alice"]));
    for signature in signatures {
        package.verify(&of_all(1), &[signature], now()).unwrap();
    }
}

/// The other signature that ECDSA takes for the same: s is the group's order less s.
fn malleated(der: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let r_end = 4 + usize::from(der[3]);
    let s = &der[r_end + 2..];
    let mut padded = [0; 32];
    padded[32 - s.len()..].copy_from_slice(s);
    let (mut other, mut borrow) = ([0; 32], 0);
    for at in (0..32).rev() {
        let difference = i32::from(ORDER[at]) - i32::from(padded[at]) - borrow;
        borrow = i32::from(difference < 0);
        other[at] = u8::try_from(difference & 0xff).unwrap();
    }
    // a low s has an s whose complement is high, and so needs a leading zero
    let mut out = vec![0x30, u8::try_from(r_end - 2 + 2 + 33).unwrap()];
    out.extend_from_slice(&der[2..r_end]);
    out.extend_from_slice(&[0x02, 33, 0]);
    out.extend_from_slice(&other);
    out
}

#[test]
fn a_malleated_signature_vouches_for_the_same_key_and_bytes_and_for_nothing_else() {
    let signature = KEYS[0].sign(b"blob");
    let twin = BlobSignature::parse(&malleated(&signature.to_der())).unwrap();
    assert_ne!(twin, signature);
    KEYS[0].public_key().verify(b"blob", &twin).unwrap();
    assert!(KEYS[0].public_key().verify(b"blub", &twin).is_err());
    assert!(KEYS[1].public_key().verify(b"blob", &twin).is_err());
}

#[test]
fn wrong_keys_stripped_and_swapped_signatures_are_refused() {
    let (ours, other) = (package(5), package(6));
    let policy = TrustPolicy::single("alice", KEYS[0].public_key()).unwrap();
    for (what, signatures) in [
        ("stripped", vec![]),
        ("wrong key", vec![ours.sign(&KEYS[1])]),
        ("of another package", vec![other.sign(&KEYS[0])]),
        ("both", vec![other.sign(&KEYS[0]), ours.sign(&KEYS[1])]),
    ] {
        let refused = ours.verify(&policy, &signatures, now());
        assert_eq!(kind_of(refused), ErrorKind::Denied, "{what}");
    }
    let among = [
        other.sign(&KEYS[0]),
        ours.sign(&KEYS[1]),
        ours.sign(&KEYS[0]),
    ];
    ours.verify(&policy, &among, now()).unwrap();
    let many = vec![ours.sign(&KEYS[0]); limit::SIGNATURES + 1];
    assert_eq!(
        kind_of(ours.verify(&policy, &many, now())),
        ErrorKind::Invalid
    );
}

#[test]
fn every_flipped_bit_of_a_package_is_refused() {
    let package = package(2);
    for name in package.files().keys() {
        let mut files = package.files().clone();
        for at in 0..files[name].len() {
            for bit in 0..8 {
                files.get_mut(name).unwrap()[at] ^= 1 << bit;
                let found = ModelPackage::from_files(files.clone());
                assert!(found.is_err(), "bit {bit} of byte {at} of `{name}`");
                files.get_mut(name).unwrap()[at] ^= 1 << bit;
            }
        }
    }
}

/// The files under a manifest that fits them: what an attacker can make who has no key.
fn resealed(mut files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let old: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let mut text = String::from_utf8(files["manifest.json"].clone()).unwrap();
    for (name, bytes) in &files {
        if let Some(digest) = old["files"][name]["digest"].as_str() {
            text = text.replace(digest, &Digest::of(bytes).to_string());
        }
    }
    files.insert("manifest.json".into(), text.into_bytes());
    files
}

#[test]
fn a_changed_package_under_a_manifest_that_fits_is_refused_by_its_signature() {
    let package = package(2);
    let policy = TrustPolicy::single("alice", KEYS[0].public_key()).unwrap();
    let signature = [package.sign(&KEYS[0])];
    let mut loaded = 0;
    for name in ["card.md", "model.json", "MLmodel", "metadata.json"] {
        for at in 0..package.files()[name].len() {
            let mut files = package.files().clone();
            files.get_mut(name).unwrap()[at] ^= 1;
            let Ok(changed) = ModelPackage::from_files(resealed(files)) else {
                continue;
            };
            loaded += 1;
            if loaded % 16 == 0 {
                let refused = changed.verify(&policy, &signature, now());
                assert_eq!(kind_of(refused), ErrorKind::Denied, "byte {at} of `{name}`");
            }
        }
    }
    assert!(loaded > 500, "{loaded} changed packages load");
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let blob = b"blob";
    let key = &KEYS[0];
    let signature = key.sign(blob);
    for file in [
        signature.to_der(),
        signature.to_base64().into_bytes(),
        signature.to_bundle(&key.public_key(), blob).into_bytes(),
        signature.to_legacy_bundle(&key.public_key()).into_bytes(),
    ] {
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut file = file.clone();
                file[at] ^= 1 << bit;
                let verified = BlobSignature::parse(&file)
                    .and_then(|signature| key.public_key().verify(blob, &signature));
                let text = String::from_utf8_lossy(&file);
                assert!(verified.is_err(), "bit {bit} of byte {at}: {text}");
            }
        }
    }
}

#[test]
fn keys_count_within_their_time() {
    let package = package(1);
    let signatures = [package.sign(&KEYS[0])];
    let at = EventTime::from_seconds;
    let key = || TrustedKey::new("alice", KEYS[0].public_key());
    for (key, valid) in [
        (key(), true),
        (key().valid_from(at(NOW)), true),
        (key().valid_from(at(NOW + 1)), false),
        (key().valid_until(at(NOW + 1)), true),
        (key().valid_until(at(NOW)), false),
        (
            key().valid_from(at(NOW - 9)).valid_until(at(NOW - 1)),
            false,
        ),
    ] {
        let policy = TrustPolicy::new(1, [key.clone()]).unwrap();
        let result = package.verify(&policy, &signatures, now());
        assert_eq!(result.is_ok(), valid, "{key:?}");
        if let Err(error) = result {
            assert!(
                error.to_string().ends_with("out of their time: `alice`"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_policy_that_cannot_be_met_or_counts_twice_is_refused() {
    let [a, b, _] = KEYS.each_ref().map(SigningKey::public_key);
    let key = |name: &str, key| TrustedKey::new(name, key);
    for (threshold, keys) in [
        (0, vec![key("a", a)]),
        (1, vec![]),
        (3, vec![key("a", a), key("b", b)]),
        (1, vec![key("a", a), key("a", b)]),
        (2, vec![key("a", a), key("b", a)]),
        (1, vec![key("", a)]),
    ] {
        let refused = TrustPolicy::new(threshold, keys);
        assert!(
            matches!(refused, Err(Error::InvalidPolicy { .. })),
            "{refused:?}"
        );
    }
    let many = (0..=limit::TRUSTED_KEYS).map(|at| key(&at.to_string(), a));
    assert!(matches!(
        TrustPolicy::new(1, many),
        Err(Error::TooLarge { .. })
    ));
}

#[test]
fn no_secret_is_printed() {
    let text = format!("{:?}", KEYS[0]);
    assert_eq!(
        text,
        format!("SigningKey(public half {})", KEYS[0].public_key().hint())
    );
}

#[test]
fn keys_in_cosigns_form_are_read_with_their_password_alone() {
    let golden = golden();
    let public = PublicKey::from_pem(&golden.public).unwrap();
    assert_eq!(public.to_pem(), golden.public);
    assert_eq!(public.hint(), golden.hint);
    for Boxed { password, pem } in &golden.keys {
        let key = SigningKey::from_encrypted_pem(pem, password.as_bytes()).unwrap();
        assert_eq!(key.public_key(), public);
    }
    let pem = &golden.keys[0].pem;
    let wrong = SigningKey::from_encrypted_pem(pem, b"wrong");
    assert!(matches!(wrong, Err(Error::WrongPassword)));
    for bad in [
        &golden.weak_key,
        &golden.p384_key,
        &golden.public,
        "",
        "-----BEGIN",
    ] {
        let refused = SigningKey::from_encrypted_pem(bad, b"");
        assert!(matches!(refused, Err(Error::MalformedKey { .. })), "{bad}");
    }
    for bad in [&golden.p384_public, pem, "", "-----BEGIN PUBLIC KEY-----"] {
        let refused = PublicKey::from_pem(bad);
        assert!(matches!(refused, Err(Error::MalformedKey { .. })), "{bad}");
    }
}

#[test]
fn a_key_comes_back_from_its_file() {
    let pem = KEYS[0].to_encrypted_pem(b"secret").unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    let back = SigningKey::from_encrypted_pem(&pem, b"secret").unwrap();
    assert_eq!(back.sign(b"blob"), KEYS[0].sign(b"blob"));
    let again = KEYS[0].to_encrypted_pem(b"secret").unwrap();
    assert_ne!(again, pem, "salt and nonce are new each time");
}

#[test]
fn signatures_by_openssl_and_bundles_in_cosigns_form_are_good() {
    let golden = golden();
    let public = PublicKey::from_pem(&golden.public).unwrap();
    let other = PublicKey::from_pem(&golden.other_public).unwrap();
    let line = |text: &String| format!("{text}\n");
    for file in [
        golden.signatures["low_s"].clone(),
        golden.signatures["high_s"].clone(),
        line(&golden.signatures["high_s"]),
        golden.bundle,
        golden.legacy_bundle,
    ] {
        let signature = BlobSignature::parse(file.as_bytes()).unwrap();
        public.verify(golden.blob.as_bytes(), &signature).unwrap();
        assert_eq!(
            kind_of(other.verify(golden.blob.as_bytes(), &signature)),
            ErrorKind::Denied
        );
        assert_eq!(
            kind_of(public.verify(b"other", &signature)),
            ErrorKind::Denied
        );
    }
}

#[test]
fn what_a_bundle_claims_must_be_true() {
    let (key, other) = (KEYS[0].public_key(), KEYS[1].public_key());
    let signature = KEYS[0].sign(b"blob");
    for (file, reason) in [
        (
            signature.to_bundle(&other, b"blob"),
            "it claims to be by another key",
        ),
        (
            signature.to_bundle(&key, b"blub"),
            "it claims another digest",
        ),
        (signature.to_legacy_bundle(&other), "it brings another key"),
    ] {
        let parsed = BlobSignature::parse(file.as_bytes()).unwrap();
        let refused = key.verify(b"blob", &parsed);
        assert!(matches!(refused, Err(Error::SignatureMismatch { reason: r }) if r == reason));
    }
}

#[test]
fn signatures_of_other_kinds_are_told_from_damaged_ones() {
    let signature = KEYS[0].sign(b"blob");
    let bundle = signature.to_bundle(&KEYS[0].public_key(), b"blob");
    let long = "M".repeat(limit::SIGNATURE_BYTES + 1);
    for (file, kind) in [
        (bundle.replace("v0.3", "v0.4"), ErrorKind::Unsupported),
        (
            bundle.replace("SHA2_256", "SHA2_512"),
            ErrorKind::Unsupported,
        ),
        (
            bundle.replace("\"publicKey\":", "\"certificate\":"),
            ErrorKind::Unsupported,
        ),
        (
            bundle.replace("\"messageSignature\":", "\"dsseEnvelope\":"),
            ErrorKind::Unsupported,
        ),
        (bundle.replace("hint", "hunt"), ErrorKind::Corrupt),
        (bundle + "}", ErrorKind::Corrupt),
        (String::new(), ErrorKind::Corrupt),
        ("{}".into(), ErrorKind::Corrupt),
        (signature.to_base64() + "\n\n", ErrorKind::Corrupt),
        (
            signature.to_base64().replace("ME", "MF"),
            ErrorKind::Corrupt,
        ),
        (long, ErrorKind::Invalid),
    ] {
        assert_eq!(
            kind_of(BlobSignature::parse(file.as_bytes())),
            kind,
            "{file}"
        );
    }
}

/// Writes a signed package's manifest for `interop/signing`, which asks other tools about it.
#[test]
fn a_signed_package_for_other_tools() {
    let package = package(11);
    let (key, manifest) = (&KEYS[0], &package.files()["manifest.json"]);
    let public = key.public_key();
    let signature = package.sign(key);
    let bundle = signature.to_bundle(&public, manifest);
    public
        .verify(manifest, &BlobSignature::parse(bundle.as_bytes()).unwrap())
        .unwrap();
    let Some(out) = env::var_os("MLOPS_SIGNED") else {
        return;
    };
    let write = |name: &str, text: &[u8]| fs::write(Path::new(&out).join(name), text).unwrap();
    let boxed = key.to_encrypted_pem("pässword".as_bytes()).unwrap();
    write("cosign.key", boxed.as_bytes());
    write("cosign.pub", public.to_pem().as_bytes());
    write("manifest.json", manifest);
    write("manifest.json.sig", signature.to_base64().as_bytes());
    write("manifest.json.sigstore.json", bundle.as_bytes());
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text in "[MEQCIG{}\":a-zA-Z0-9+/=\n-]{0,200}") {
        for file in [&bytes[..], text.as_bytes()] {
            prop_assert!(BlobSignature::parse(file).is_err());
        }
        for kind in ["PUBLIC KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"] {
            let body = text.replace('\n', "");
            let pem = format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
            prop_assert!(PublicKey::from_pem(&pem).is_err());
            prop_assert!(SigningKey::from_encrypted_pem(&pem, b"").is_err());
        }
    }
}

#[test]
fn openssl_verifies_what_is_signed_here() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let package = package(9);
    package.write_dir(&path("model")).unwrap();
    fs::write(path("key.pub"), KEYS[0].public_key().to_pem()).unwrap();
    fs::write(path("good.der"), package.sign(&KEYS[0]).to_der()).unwrap();
    fs::write(path("bad.der"), package.sign(&KEYS[1]).to_der()).unwrap();
    let verify = |signature: &str| {
        Command::new("openssl")
            .args(["dgst", "-sha256", "-verify"])
            .arg(path("key.pub"))
            .arg("-signature")
            .arg(path(signature))
            .arg(path("model/manifest.json"))
            .output()
    };
    // a machine without openssl has the committed signatures of the golden file
    let Ok(good) = verify("good.der") else { return };
    assert_eq!(String::from_utf8_lossy(&good.stdout), "Verified OK\n");
    assert!(!verify("bad.der").unwrap().status.success());
}
