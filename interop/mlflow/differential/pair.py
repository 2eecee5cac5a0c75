"""Two servers that are asked the same, and the comparison of what they answer.

A symbol such as `«run3»` stands for an id (a page token, a made-up name) that each server chose itself: requests name
symbols, and answers are turned back into them. A time that a server took from its clock becomes the number of the call
during which it was taken. What is left must be equal, apart from what `wanted.py` lists.
"""

import bisect
import collections
import http.client
import json
import re
import sys
import time
import urllib.parse

import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from wanted import wanted

SYMBOL = re.compile("«([a-z]+)[0-9]+»")
LONG_ID = re.compile("m-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")
EXPERIMENT = re.compile(r"(mlflow-artifacts:/|mlflow-artifacts/artifacts/)([0-9]+)\b")
MADE_NAME = re.compile("[a-z]+-[a-z]+-[0-9]+|(run|model)-[0-9a-f]{8}")
KINDS = {"run_id": "run", "run_uuid": "run", "model_id": "model", "webhook_id": "webhook", "next_page_token": "page"}
# lists in which the order says nothing
SETS = {
    "tags", "params", "aliases", "latest_versions", "dataset_inputs", "model_inputs", "model_outputs", "files", "events"
}


class Side:

    def __init__(self, name, uri):
        self.name = name
        self.uri = uri
        self.client = MlflowClient(uri)
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(uri).netloc, timeout=120)
        self.symbols = {}
        self.values = {}
        self.starts = []


class Answer:
    """What one call came to: exchanges of method, path, status and body, the same on both sides or reported."""

    def __init__(self, exchanges, made, both):
        self.both = both
        self.exchanges = exchanges
        self.made = made

    def new(self, kind):
        """The symbol of what the call made, or nothing if it made nothing."""
        return next((symbol for symbol in self.made if symbol.startswith("«" + kind)), None)

    @property
    def body(self):
        return self.exchanges[-1][3] if self.exchanges else None

    @property
    def ok(self):
        return bool(self.exchanges) and self.exchanges[-1][2] == 200


class Pair:

    def __init__(self, theirs, ours, verbose=False):
        self.sides = [Side("theirs", theirs), Side("ours", ours)]
        self.verbose = verbose
        self.count = collections.Counter()
        self.compared = 0
        self.calls = 0
        self.accepted = collections.Counter()
        self.bugs = []
        self.recorded = None
        self.where = ""
        send = requests.Session.send

        def recording(session, request, **settings):
            response = send(session, request, **settings)
            if self.recorded is not None:
                url = urllib.parse.urlsplit(request.url)
                path = (url.path, *urllib.parse.parse_qsl(url.query))
                self.recorded.append((request.method, path, response.status_code, response.content))
            return response

        requests.Session.send = recording

    # what is sent

    def resolve(self, value, side):
        if isinstance(value, str):
            return SYMBOL.sub(lambda found: side.values.get(found[0], found[0]), value)
        if isinstance(value, (list, tuple)):
            return [self.resolve(one, side) for one in value]
        if isinstance(value, dict):
            return {self.resolve(key, side): self.resolve(one, side) for key, one in value.items()}
        if callable(value):
            return value(lambda inner: self.resolve(inner, side))
        return value

    def client(self, call, *args, **settings):
        """The same call of MLflow's client on both sides."""

        def ask(side):
            self.recorded = []
            try:
                getattr(side.client, call)(*self.resolve(args, side), **self.resolve(settings, side))
            except MlflowException as error:
                # its code is in the answer; of a 500 and of no answer at all the client tells nothing but this
                if "too many 500 error responses" in str(error):
                    self.recorded.append(("", "", 500, b"too many"))
                elif "Max retries exceeded" in str(error) or "timed out" in str(error):
                    self.recorded.append(("", "", 0, str(error).encode()))
            finally:
                recorded, self.recorded = self.recorded, None
            return recorded

        return self.call(f"{call}{args!r} {settings!r}", ask)

    def raw(self, method, path, body=None, query=None, data=None, headers=None, base="/api/2.0/mlflow", loose=None):
        """The same request on both sides, without a client; of the field `loose` only the length is compared."""

        def ask(side):
            target = base + urllib.parse.quote(self.resolve(path, side), safe="/%?=&")
            if query:
                target += "?" + urllib.parse.urlencode(self.resolve(query, side), doseq=True)
            content = data
            if body is not None:
                content = json.dumps(self.resolve(body, side))
            content = content.encode() if isinstance(content, str) else content
            sent = {"Content-Type": "application/json"} if headers is None else headers
            for attempt in range(2):
                try:
                    side.connection.request(method, target, content, sent)
                    response = side.connection.getresponse()
                    return [(method, path, response.status, response.read())]
                except (http.client.HTTPException, ConnectionError):
                    side.connection.close()
                    if attempt:
                        raise

        shown = data if data is not None else body
        return self.call(f"{method} {path} {json.dumps(query) if query else ''} {shown!r}", ask, loose)

    def call(self, text, ask, loose=None):
        self.calls += 1
        answers = []
        for side in self.sides:
            side.starts.append(int(time.time() * 1000))
            answers.append(ask(side))
            time.sleep(0.0015)
        theirs, ours = ([(m, p, s, read(b)) for m, p, s, b in answer] for answer in answers)
        made = []
        for mine, other in zip(theirs, ours):
            self.register(mine[3], other[3], made)
        theirs, ours = (self.normal(answer, side, "") for answer, side in zip((theirs, ours), self.sides))
        if text.startswith("download_artifacts"):
            # the client asks for several files at once
            theirs, ours = (sorted(answer, key=lambda exchange: str(exchange[1])) for answer in (theirs, ours))
        self.compared += max(len(theirs), len(ours))
        both = [
            answer[-1][3].get(loose, []) if loose and isinstance(answer[-1][3], dict) else []
            for answer in (theirs, ours)
        ]
        if loose and len(both[0]) == len(both[1]):
            ours = [(m, p, s, b | {loose: both[0]} if both[0] else b) for m, p, s, b in ours]
        for exchange in ours[-1:]:
            self.accepted[exchange[2] == 200] += 1
        differences = list(different(theirs, ours, ()))
        if len(theirs) != len(ours):
            differences = differences[-1:] if not differences else differences
        unknown = []
        for path, one, other in differences:
            name = wanted(text, path, one, other)
            if name:
                self.count[name] += 1
            else:
                unknown.append((path, one, other))
        if self.verbose:
            print(f"{self.where} {self.calls} {text[:300]} -> {[(e[2]) for e in ours]}")
        self.report(text, unknown)
        return Answer(ours, made, both)

    def equal(self, text, both):
        """Two lists, each in whatever order, that must hold the same."""
        both = [sorted(one, key=lambda held: json.dumps(held, sort_keys=True)) for one in both]
        found = different(*both, ("all", ))
        self.report(text, [(path, *sides) for path, *sides in found if not wanted(text, path, *sides)])

    def report(self, text, differences):
        if not differences:
            return
        self.bugs.append((self.where, self.calls, text, differences))
        print(f"differs: {self.where}, call {self.calls}: {text[:1500]}")
        for path, one, other in differences[:4]:
            print(f"    {'.'.join(map(str, path))}\n        theirs {shown(one)}\n        ours   {shown(other)}")
        sys.stdout.flush()

    # what comes back

    def register(self, one, other, made):
        """Gives symbols to the ids that both sides have just made up, found at the same place of their answers."""
        if isinstance(one, list) and isinstance(other, list):
            for mine, its in zip(one, other):
                self.register(mine, its, made)
        if not isinstance(one, dict) or not isinstance(other, dict):
            return
        for key, mine in one.items():
            its = other.get(key)
            if isinstance(mine, str) and isinstance(its, str):
                kind = KINDS.get(key)
                if key == "experiment_id":
                    mine, its, kind = "experiment " + mine, "experiment " + its, "experiment"
                elif key in ("run_name",
                             "name") and mine != its and MADE_NAME.fullmatch(mine) and MADE_NAME.fullmatch(its):
                    kind = "name"
                theirs, ours = self.sides
                # theirs are places, which several searches have in common: the last one counts
                new = kind == "page" or (mine not in theirs.symbols and its not in ours.symbols)
                if kind and mine and its and new and (mine != its or kind in ("experiment", "page")):
                    symbol = f"«{kind}{len(theirs.values)}»"
                    made.append(symbol)
                    for side, value in ((theirs, mine), (ours, its)):
                        side.symbols[value] = symbol
                        side.values[symbol] = value.removeprefix("experiment ")
            else:
                self.register(mine, its, made)

    def normal(self, value, side, key):
        if isinstance(value, str):
            if key == "page_token":
                return "a token"
            if key in ("experiment_id", "experiment_ids"):
                return side.symbols.get("experiment " + value, value)
            if value in side.symbols:
                return side.symbols[value]
            if key == "path":
                value = re.sub(
                    "^([0-9]+)(?=/)", lambda found: side.symbols.get("experiment " + found[1], found[1]), value
                )
            value = LONG_ID.sub(lambda found: side.symbols.get(found[0], found[0]), value)
            return EXPERIMENT.sub(
                lambda found: found[1] + side.symbols.get("experiment " + found[2], found[2]),
                value.replace(side.uri, "«uri»"),
            )
        if isinstance(value, bool):
            return value
        if isinstance(value, int) and side.starts and 1_700_000_000_000 < value < side.starts[0]:
            return "before"
        if isinstance(value, int) and side.starts and side.starts[0] <= value <= time.time() * 1000 + 1000:
            return f"call {bisect.bisect_right(side.starts, value)}"
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
            return value[0], self.normal(value[1], side, value[0])
        if isinstance(value, tuple):
            found = tuple(self.normal(one, side, key) for one in value)
            if len(found) == 4 and "get-latest-versions" in str(found[1]) and isinstance(found[3], dict):
                # they come in no order
                found[3].get("model_versions", []).sort(key=in_order)
            return found
        if isinstance(value, list):
            found = [self.normal(one, side, key) for one in value]
            return sorted(found, key=in_order) if key in SETS else found
        if isinstance(value, dict):
            return {
                name: sorted(found, key=in_order) if key == "data" and name == "metrics" else found
                for name, one in value.items()
                for found in [self.normal(one, side, name)]
            }
        return value


def read(body):
    try:
        return json.loads(body)
    except ValueError:
        return "bytes " + body[:2000].decode("latin-1")


def in_order(one):
    """A place for one of a set, by what names it."""
    name = [str(one.get(field, ""))
            for field in ("key", "alias", "version", "path", "entity", "action")] if isinstance(one, dict) else []
    return name, json.dumps(one, sort_keys=True)


MISSING = "«missing»"


def different(one, other, path):
    """The places where two answers differ. Of two errors only the status and the code count."""
    if len(path) == 1 and isinstance(one, tuple) and {one[2], other[2]} != {200}:
        told = [(answer[2], *code(answer[3])) for answer in (one, other)]
        if told[0][:2] != told[1][:2]:
            yield path + ("(outcome)", ), *told
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from different(one.get(key, MISSING), other.get(key, MISSING), path + (key, ))
    elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) != len(other):
            yield path + ("length", ), one, other
            return
        for at, (mine, its) in enumerate(zip(one, other)):
            yield from different(mine, its, path + (at, ))
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield path, one, other


def code(body):
    if isinstance(body, dict) and "error_code" in body:
        return body["error_code"], body.get("message", "")[:300]
    return None if isinstance(body, str) else body, ""


def shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 1200 else text[:1200] + "…"
