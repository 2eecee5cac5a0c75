"""Random sessions over webhooks: made, read, changed, deleted; none is ever sent."""

EVENTS = [
    ("REGISTERED_MODEL", "CREATED"),
    ("MODEL_VERSION", "CREATED"),
    ("MODEL_VERSION_TAG", "SET"),
    ("MODEL_VERSION_TAG", "DELETED"),
    ("MODEL_VERSION_ALIAS", "CREATED"),
    ("MODEL_VERSION_ALIAS", "DELETED"),
]
NAMES = ["a", "hook", "a-b", "A_b.c", "0", "", " ", "-a", "a-", "a b", "x" * 63, "x" * 64, "ä", "a.b-c_d"]
URLS = [
    "https://93.184.216.34/hook", "https://93.184.216.34:8443/a?b=c", "https://example.invalid/hook",
    "http://example.com/hook", "ftp://example.com", "", "x", "https://", "https://user:pass@example.com/",
    "https://localhost/x", "https://127.0.0.1/x", "https://10.0.0.1/x", "https://[::1]/x",
    "https://169.254.169.254/latest"
]
WRONG = [[], [{"entity": "REGISTERED_MODEL"}], [{"entity": "REGISTERED_MODEL", "action": "SET"}],
         [{"entity": "x", "action": "CREATED"}], "x", None]


class Webhooks:

    def __init__(self, pair, rng, unique):
        self.pair = pair
        self.rng = rng
        self.made = []

    def run(self):
        rng, pair = self.rng, self.pair
        for _ in range(25):
            act = rng.choice(["create", "create", "get", "update", "delete", "bad"])
            one = rng.choice([*self.made, "00000000-0000-0000-0000-000000000000", "x"])
            if act == "create":
                answer = pair.raw("POST", "/webhooks", self.body())
                if found := answer.new("webhook"):
                    self.made.append(found)
            elif act == "get":
                pair.raw("GET", f"/webhooks/{one}")
            elif act == "update":
                body = {field: value for field, value in self.body().items() if rng.random() < 0.4}
                pair.raw("PATCH", f"/webhooks/{one}", body)
                pair.raw("GET", f"/webhooks/{one}")
            elif act == "delete":
                pair.raw("DELETE", f"/webhooks/{one}")
            else:
                pair.raw(
                    "POST", "/webhooks",
                    self.body() | rng.choice([{"name": rng.choice(NAMES)}, {"url": rng.choice(URLS)},
                                              {"events": rng.choice(WRONG)}, {"status": rng.choice(["x", "", 7])}])
                )
        for one in self.made:
            pair.raw("DELETE", f"/webhooks/{one}")

    def body(self):
        rng = self.rng
        body = {
            "name": rng.choice(["a", "hook", "a-b", "A_b.c"]),
            "url": rng.choice(URLS[:2]),
            "events": [{"entity": entity, "action": action}
                       for entity, action in rng.sample(EVENTS, rng.randint(1, 3))],
        }
        if rng.random() < 0.5:
            body["description"] = rng.choice(["", "of all", "ü"])
        if rng.random() < 0.5:
            body["status"] = rng.choice(["ACTIVE", "DISABLED"])
        if rng.random() < 0.3:
            body["secret"] = "s3cret"
        return body
