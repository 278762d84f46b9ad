"""Writes and reads sessions as Django does, told by lines of JSON on standard input.

Usage: sessions.py <placement> <nodes as a JSON list>

Each request has an `op`, and is answered with one line of JSON:
  write   makes `count` sessions: [[id, description], ...]
  cases   makes a session for each of pickle_cases.CASES, under `value`: [[name, id], ...]
  check   compares those [[name, id], ...], to each of which `seen` was added: what differs
  read    the descriptions of the sessions `ids`, or null where there is none
"""

import json
import random
import sys

from django_setup import configure
from pickle_cases import CASES, describe

PROTOCOL = 4

# Names that a Session of express-session uses itself, and what Django may have under them.
ASIDE = {"cookie": {"a": 1}, "id": 2, "save": [3], "__proto__": {"b": (4,)}, "toJSON": None, 5: "e"}


def some_values(index):
    rng = random.Random(index)
    return [
        {},
        {"_auth_user_id": str(index), "_session_expiry": 3600 + index, "user": f"Jürgen {index} 日本 😀"},
        {"nested": {"list": [1, [2, {"three": (4, 5.0, None)}], True, False], "empty": [{}, [], ()]}},
        {"big": [2**53, -(2**63), 2**200, rng.getrandbits(70)], "floats": [0.1, 1.0, -0.0, 1e300]},
        {"bytes": bytes(rng.randrange(256) for _ in range(50)), "large": "x" * 100_000},
        {"large": {f"key {i}": "ü" * 10 for i in range(2000)}, "keys": {7: "int", (1, 2): "tuple"}},
        {"token": CASES["a token"](), "slots": CASES["slots"](), "when": CASES["times"]()},
    ][index % 7]


def write(request):
    from django.contrib.sessions.backends.cache import SessionStore

    written = []
    for index in range(request["count"]):
        session = SessionStore()
        session.update(some_values(index))
        session.create()
        session.update(some_values(index))
        session.save()
        written.append([session.session_key, describe(some_values(index), PROTOCOL)])
    return written


def write_cases(_request):
    from django.contrib.sessions.backends.cache import SessionStore

    written = []
    for name, make in CASES.items():
        session = SessionStore()
        session.create()
        session.update({"value": make(), **ASIDE})
        session.save()
        written.append([name, session.session_key])
    return written


def check(request):
    differing = []
    for name, key in request["cases"]:
        found = load(key)
        value = describe(found, PROTOCOL)
        expected = describe({"value": CASES[name](), **ASIDE, "seen": 1}, PROTOCOL)
        if value != expected:
            differing.append([name, value, expected])
    return differing


def read(request):
    found = [load(key) for key in request["ids"]]
    return [None if one is None else describe(one, PROTOCOL) for one in found]


def load(key):
    from django.contrib.sessions.backends.cache import SessionStore

    session = SessionStore(key)
    values = dict(session.items())
    return values if session.session_key else None


OPS = {"write": write, "cases": write_cases, "check": check, "read": read}

if __name__ == "__main__":
    configure(*sys.argv[1:])
    sys.setrecursionlimit(5000)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(OPS[request["op"]](request)), flush=True)
