"""Loads pickles from its input and describes what they hold, for as long as there are any.

Each comes behind its length, four bytes; a line of JSON answers it: {"value": …} or {"refused": …}.
Nothing of a pickle is called but what older protocols need to make plain values.
"""

import _codecs  # noqa: F401
import codecs
import json
import pickle
import resource
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[2] / "support/django"))
from pickle_cases import describe  # noqa: E402

MEMORY = 768 * 1024 * 1024


class NotPlain(Exception):
    """The pickle calls something, or refers to what is outside of it."""


def plain(condition):
    if not condition:
        raise NotPlain("a call")


def make_bytes(*args):
    plain(not args)
    return b""


def make_bytearray(*args):
    plain(not args or type(args[0]) in (bytes, str))
    return bytearray(*args)


def encode(*args):
    plain(len(args) == 2 and args[1] in ("latin1", "latin-1"))
    return codecs.encode(*args)


def make_set(kind):
    def make(*args):
        plain(len(args) == 1 and type(args[0]) is list)
        return kind(args[0])

    return make


# What find_class sees of these modules while a pickle is loaded.
STANDINS = {
    "builtins": {
        "bytes": make_bytes,
        "bytearray": make_bytearray,
        "set": make_set(set),
        "frozenset": make_set(frozenset),
    },
    "_codecs": {"encode": encode},
}
NAMES = {(module, name) for module, names in STANDINS.items() for name in names}
NAMES |= {("__builtin__", name) for name in STANDINS["builtins"]}


def guard(event, args):
    if event == "pickle.find_class" and args not in NAMES:
        raise NotPlain("a name")


def load(data):
    """pickle.loads, as Django has it: from memory, where frames have no ends that lines could meet."""
    real = {module: sys.modules[module] for module in STANDINS}
    try:
        for module, names in STANDINS.items():
            sys.modules[module] = SimpleNamespace(**names)
        return pickle.loads(data)
    finally:
        sys.modules.update(real)


def answer(data):
    try:
        return {"value": describe(load(data), 4)}
    except NotPlain as error:
        return {"refused": "not plain", "why": str(error)}
    except pickle.UnpicklingError as error:
        outside = "persistent id" in str(error)
        return {"refused": "not plain" if outside else "pickle", "why": str(error)}
    except ModuleNotFoundError as error:
        # From protocol 3 on, a name of Python 2 is none.
        return {"refused": "not plain", "why": str(error)}
    except MemoryError:
        return {"refused": "memory"}
    except Exception as error:
        return {"refused": type(error).__name__, "why": str(error)[:200]}


if __name__ == "__main__":
    codecs.lookup("latin1")
    sys.addaudithook(guard)
    sys.setrecursionlimit(20000)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    source, sink = sys.stdin.buffer, sys.stdout
    while head := source.read(4):
        data = source.read(struct.unpack(">I", head)[0])
        sink.write(json.dumps(answer(data), separators=(",", ":")) + "\n")
        sink.flush()
