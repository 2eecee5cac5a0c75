// Verifies a bundle that mlops-model wrote with sigstore's own client: node check.js FOLDER
//
// The key is found by its hint, which is computed here from the key; the bundle must come back from the
// client as it was, and must not vouch for other bytes.

const assert = require("node:assert");
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { bundleFromJSON, bundleToJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const read = (name) => fs.readFileSync(path.join(process.argv[2], name));

const key = crypto.createPublicKey(read("cosign.pub")).export({ type: "spki", format: "der" });
const hint = crypto.createHash("sha256").update(key).digest("base64");
const nothing = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trust = toTrustMaterial(nothing, { [hint]: { rawBytes: key } });
const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
const verifier = new Verifier(trust, thresholds);

const json = JSON.parse(read("manifest.json.sigstore.json"));
const bundle = bundleFromJSON(json);
assert.deepStrictEqual(bundleToJSON(bundle), json);
const manifest = read("manifest.json");
verifier.verify(toSignedEntity(bundle, manifest));
manifest[0] ^= 1;
assert.throws(() => verifier.verify(toSignedEntity(bundle, manifest)));
console.log("sigstore verifies the bundle");
