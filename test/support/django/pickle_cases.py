"""Values of every kind that a session may hold, and a description of any value as plain JSON.

A description names types, so that two values with equal descriptions are equal in Python, types
and shared references included. test/support/pickle-description.ts gives the same of what was read in
TypeScript.
"""

import collections
import copyreg
import datetime
import decimal
import json
import struct
import uuid


class Token:
    """Shaped like openstack_auth.user.Token: attributes, one of which is a shared reference."""

    def __init__(self):
        self.user = {"id": "u-1", "name": "démo", "password_expires_at": None}
        self.user_domain_id = "default"
        self.id = "gAAAAAB" + "x" * 180
        self.unscoped_token = None
        self.expires = datetime.datetime(2031, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)
        self.project = {"id": "p-1", "name": "admin", "is_admin_project": True}
        self.tenant = self.project
        self.roles = [{"name": "admin"}, {"name": "member"}]
        self.serviceCatalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind * 4,
                "endpoints": [
                    {"interface": name, "region": "RegionOne", "url": f"http://10.0.0.1/{kind}"}
                    for name in ("public", "internal", "admin")
                ],
            }
            for kind in ("compute", "image", "identity", "network")
        ]
        self.system_scoped = False


class Slots:
    __slots__ = ("left", "right")

    def __init__(self, left=None, right=None):
        self.left, self.right = left, right


class KeywordOnly:
    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self.given = (args, kwargs)
        return self

    def __getnewargs_ex__(self):
        return self.given


class Items(list):
    """A list with attributes of its own."""


class Ring:
    """Is made from a list that holds it."""

    def __init__(self, items=None):
        self.items = [self, 1] if items is None else items

    def __reduce__(self):
        return Ring, (self.items,)


class SetsItself:
    """Has its state set by a function of its own (the sixth item of __reduce_ex__)."""

    def __reduce_ex__(self, protocol):
        return SetsItself, (), {"state": 1}, None, None, set_state


def set_state(target, state):
    target.__dict__.update(state)


Point = collections.namedtuple("Point", "x y")


def with_attributes(value, **attributes):
    value.__dict__.update(attributes)
    return value


def cyclic():
    node = {"name": "node", "list": []}
    node["list"].append(node)
    pair = ([],)
    pair[0].append(pair)
    node["pair"] = pair
    node["four"] = ([], 2, 3, 4)
    node["four"][0].append(node["four"])
    slots = Slots(1)
    slots.right = slots
    node["slots"] = slots
    return node


def shared():
    common = ["one"]
    return {"a": common, "b": common, "c": (common, common), "text": "same", "again": "same"}


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


CASES = {
    "none": lambda: None,
    "bools": lambda: [True, False],
    "small ints": lambda: [0, 1, -1, 255, 256, 65535, 65536, -128, -129, 2**31 - 1, -(2**31)],
    "wide ints": lambda: [2**31, -(2**31) - 1, 2**53 - 1, 2**53, -(2**53), 2**63, -(2**63)],
    "huge ints": lambda: [2**200, -(2**200), 2**2040 - 1, 2**2047, 2**2048, -(2**4096), 10**1200],
    "byte edges": lambda: [sign * 2**bits + plus for bits in (7, 8, 15, 16, 31, 39, 55, 63, 71)
                           for sign in (1, -1) for plus in (-1, 0, 1)],
    "floats": lambda: [0.5, -2.25, 1e-300, 1e300, 3.141592653589793, float("inf"), float("-inf")],
    "whole floats": lambda: [0.0, -0.0, 1.0, -1.0, 1e15, 2.0**53, 2.0**60],
    "nan": lambda: [float("nan")],
    "texts": lambda: ["", "ascii", "Grüße", "日本語", "😀 astral", "nul\0", "line\nfeed\r\t\x1a",
                      "back\\slash \\u0041", "'quo\"ted'", "\ufeffbom"],
    "lone surrogates": lambda: ["\ud800", "a\udfffb", "\udc80" * 3],
    "long texts": lambda: ["x" * 255, "y" * 256, "ü" * 300],
    "bytes": lambda: [b"", b"ascii", bytes(range(256)), b"z" * 300],
    "bytearrays": lambda: [bytearray(), bytearray(b"abc"), bytearray(range(256))],
    "lists": lambda: [[], [1, [2, [3, []]]], list(range(40))],
    "more than a batch": lambda: [None] * 1001,
    "tuples": lambda: [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((),)), tuple(range(50))],
    "sets": lambda: [set(), {1}, {"a", "b", (1, 2)}, frozenset(), frozenset({1, frozenset({2})})],
    "dicts": lambda: [{}, {"a": 1}, {1: "int", (1, 2): "tuple", None: "none", "s": 0, 1.5: "f"},
                      {"10": "ten", "9": "nine"}, {str(i): i for i in range(120)}],
    "names that matter to JavaScript": lambda: {
        "__proto__": {"polluted": True}, "constructor": {"prototype": 1}, "toString": 1,
        "hasOwnProperty": [], "cookie": {"a": 1}, "id": 7, "req": "r", "toJSON": "j", "save": None,
    },
    "times": lambda: [datetime.datetime(2024, 2, 29, 1, 2, 3, 456789),
                      datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc),
                      datetime.timedelta(days=3, seconds=7), datetime.date(1999, 12, 31),
                      datetime.timezone(datetime.timedelta(hours=2))],
    "library classes": lambda: [collections.OrderedDict([("b", 1), ("a", 2)]),
                                collections.defaultdict(list, {"k": [1]}), decimal.Decimal("1.10"),
                                uuid.UUID(int=5), collections.deque([1, 2], maxlen=4), 2 + 3j,
                                range(3), collections.Counter("aab")],
    "classes and functions": lambda: [int, dict, datetime.datetime, json.dumps, Token],
    "a token": lambda: {"token": Token(), "user_id": "u-1", "_session_expiry": 3600},
    "slots": lambda: Slots([1], "r"),
    "a named tuple": lambda: Point(1, "y"),
    "a list with attributes": lambda: with_attributes(Items([1, 2]), name="items"),
    "shared references": shared,
    "deep nesting": lambda: deep(300),
    "cycles": cyclic,
}
CASES["keyword arguments"] = lambda: KeywordOnly(1, two=2)
CASES["a ring"] = lambda: Ring()
CASES["a function for the state"] = lambda: SetsItself()

# The first protocol that can write a case, or writes it as `describe` says; else 0.
SINCE = {"cycles": 2, "slots": 2, "keyword arguments": 4}


def describe(value, protocol):
    """The value as JSON-able data; mutable containers that come again are references."""
    seen = {}
    keep = []  # What is made on the way stays alive, so that no id is given twice.

    def in_order(described):
        return sorted(described, key=lambda one: json.dumps(one, separators=(",", ":")))

    def pairs(items):
        by_key = {json.dumps(walk(key), separators=(",", ":")): value for key, value in items}
        return [[json.loads(key), walk(by_key[key])] for key in sorted(by_key)]

    def walk(value):
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return {"int": str(value)}
        if kind is float:
            return {"float": struct.pack(">d", value).hex()}
        if kind is bytes:
            return {"bytes": value.hex()}
        if kind is bytearray:
            return {"bytearray": value.hex()}
        if kind is tuple:
            return {"tuple": [walk(item) for item in value]}
        if kind is frozenset:
            return {"frozenset": in_order(walk(item) for item in value)}
        if callable(value):
            return {"global": f"{value.__module__}.{value.__qualname__}"}
        if id(value) in seen:
            return {"again": seen[id(value)]}
        seen[id(value)] = len(seen)
        if kind is list:
            return {"list": [walk(item) for item in value]}
        if kind is set:
            return {"set": in_order(walk(item) for item in value)}
        if kind is dict:
            return {"dict": pairs(value.items())}
        return made(value)

    def made(value):
        reducer = copyreg.dispatch_table.get(type(value))
        parts = reducer(value) if reducer else value.__reduce_ex__(protocol)
        keep.append(parts)
        function, args, state, items, entries, setter = (list(parts) + [None] * 4)[:6]
        how, kwargs = "reduce", None
        if function is copyreg.__newobj__:
            how, function, args = "newobj", args[0], args[1:]
        elif function is copyreg.__newobj_ex__:
            how, (function, args, kwargs) = "newobj_ex", args
        described = {"object": how, "callable": walk(function), "args": walk(tuple(args))}
        if kwargs is not None:
            described["kwargs"] = walk(kwargs)
        if items is not None:
            described["items"] = [walk(item) for item in items]
        if entries is not None:
            described["entries"] = pairs(entries)
        if setter is not None:
            described["setter"] = walk(setter)
        if state is not None:
            described["state"] = walk(state)
        return described

    return walk(value)
