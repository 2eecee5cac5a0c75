"""Writes values.json: keys, signatures and bundles in cosign's forms, made without cosign and without this crate.

Run in an environment with the versions that values.json names, and with openssl at hand:

    pip install cryptography==50.0.2 pynacl==1.6.2
    python generate.py > values.json

The forms follow cosign 3.0's sources: `cosign.key` is scrypt and NaCl's secretbox around PKCS#8, a detached
signature is what `openssl dgst -sha256 -sign` makes, in base64, and bundles are their JSON as it writes it.

    python generate.py read KEY PASSWORD PUB BLOB SIGNATURE

opens a key that this crate wrote, compares it with the public key and verifies a detached signature.
The keys were made for this file alone and guard nothing.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import cryptography
import nacl
import nacl.secret
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BLOB = b'{\n  "schema_version": 1\n}\n'


def b64(data):
    return base64.b64encode(data).decode()


def box(key, password, label, cost):
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    salt, nonce = os.urandom(32), os.urandom(24)
    secret = hashlib.scrypt(password, salt=salt, n=cost, r=8, p=1, maxmem=1 << 28, dklen=32)
    boxed = nacl.secret.SecretBox(secret).encrypt(der, nonce).ciphertext
    text = json.dumps(
        {
            "kdf": {"name": "scrypt", "params": {"N": cost, "r": 8, "p": 1}, "salt": b64(salt)},
            "cipher": {"name": "nacl/secretbox", "nonce": b64(nonce)},
            "ciphertext": b64(boxed),
        },
        separators=(",", ":"),
    )
    lines = b64(text.encode())
    wrapped = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    return f"-----BEGIN ENCRYPTED {label} PRIVATE KEY-----\n{wrapped}\n-----END ENCRYPTED {label} PRIVATE KEY-----\n"


def public(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def openssl_sign(key):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "key.pem")
        with open(path, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        command = ["openssl", "dgst", "-sha256", "-sign", path]
        return subprocess.run(command, input=BLOB, stdout=subprocess.PIPE, check=True).stdout


def unbox(pem, password):
    data = json.loads(base64.b64decode("".join(pem.split("\n")[1:-2])))
    params = data["kdf"]["params"]
    secret = hashlib.scrypt(
        password, salt=base64.b64decode(data["kdf"]["salt"]), n=params["N"], r=params["r"], p=params["p"],
        maxmem=1 << 28, dklen=32,
    )
    nonce, boxed = base64.b64decode(data["cipher"]["nonce"]), base64.b64decode(data["ciphertext"])
    return serialization.load_der_private_key(nacl.secret.SecretBox(secret).decrypt(boxed, nonce), None)


def read(key, password, pub, blob, signature):
    key, pub, blob, signature = (open(path, "rb").read() for path in (key, pub, blob, signature))
    assert public(unbox(key.decode(), password.encode())) == pub
    pub = serialization.load_pem_public_key(pub)
    pub.verify(base64.b64decode(signature), blob, ec.ECDSA(hashes.SHA256()))
    print("read")


def main():
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    p384 = ec.generate_private_key(ec.SECP384R1())
    r, s = utils.decode_dss_signature(openssl_sign(key))
    low, high = (utils.encode_dss_signature(r, f(s, ORDER - s)) for f in (min, max))
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": b64(hashlib.sha256(spki).digest())},
            "tlogEntries": [],
            "timestampVerificationData": {"rfc3161Timestamps": []},
        },
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(BLOB).digest())},
            "signature": b64(high),
        },
    }
    legacy = {"base64Signature": b64(high), "cert": b64(public(key)), "rekorBundle": None}
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True, check=True)
    print(
        json.dumps(
            {
                "versions": {
                    "cryptography": cryptography.__version__,
                    "pynacl": nacl.__version__,
                    "openssl": version.stdout.split()[1],
                },
                "blob": BLOB.decode(),
                "public": public(key).decode(),
                "hint": bundle["verificationMaterial"]["publicKey"]["hint"],
                "other_public": public(other).decode(),
                "p384_public": public(p384).decode(),
                "keys": [
                    {"password": password, "pem": box(key, password.encode(), label, cost)}
                    for password, label, cost in [
                        ("", "SIGSTORE", 1 << 16),
                        ("correct horse", "SIGSTORE", 1 << 17),
                        ("pässword", "COSIGN", 1 << 15),
                    ]
                ],
                "weak_key": box(key, b"", "SIGSTORE", 1 << 10),
                "p384_key": box(p384, b"", "SIGSTORE", 1 << 15),
                "signatures": {"low_s": b64(low), "high_s": b64(high)},
                "bundle": json.dumps(bundle),
                "legacy_bundle": json.dumps(legacy, separators=(",", ":")),
            },
            indent=2,
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    read(*sys.argv[2:]) if sys.argv[1:2] == ["read"] else main()
