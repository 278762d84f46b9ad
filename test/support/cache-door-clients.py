"""Does the same work with one memcached client library and prints what it was answered.

Arguments: the library (pymemcache, python-memcached, pylibmc, or django-<one of them>) and host:port.
Each line is a step and its result in JSON; versions and what differs by nature are left out.
"""

import json
import sys

LIBRARY, ADDRESS = sys.argv[1:3]
HOST, PORT = ADDRESS.rsplit(":", 1)


def shown(value):
    if isinstance(value, dict):
        return {shown(key): shown(item) for key, item in sorted(value.items(), key=repr)}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    text = repr(value)
    return text if len(text) < 200 else f"{text[:50]}… {len(text)}"


def step(name, act):
    try:
        result = act()
    except Exception as error:  # What a library raises is part of its answer.
        result = f"{type(error).__name__}: {error}"
    print(json.dumps([name, shown(result)]), flush=True)


def pymemcache_steps():
    from pymemcache.client.base import Client
    from pymemcache.client.hash import HashClient

    client = Client((HOST, int(PORT)), default_noreply=False)
    step("flush", lambda: client.flush_all())
    step("set", lambda: client.set("a", b"one", expire=100, flags=3))
    step("get", lambda: client.get("a"))
    step("gets", lambda: client.gets("a")[0])
    step("get absent", lambda: client.get("absent", "nothing"))
    step("add", lambda: [client.add("a", b"two"), client.add("b", b"two")])
    step("replace", lambda: [client.replace("a", b"three"), client.replace("absent", b"x")])
    step("append", lambda: [client.append("a", b"!"), client.prepend("a", b"?"), client.get("a")])
    step("append absent", lambda: client.append("absent", b"!"))
    step("cas", lambda: client.cas("a", b"four", client.gets("a")[1]))
    step("cas stale", lambda: client.cas("a", b"five", b"999999999"))
    step("cas absent", lambda: client.cas("absent", b"five", b"1"))
    step("set_many", lambda: client.set_many({f"k{n}": b"v%d" % n for n in range(300)}))
    step("get_many", lambda: client.get_many([f"k{n}" for n in range(350)]))
    step("gets_many", lambda: {k: v[0] for k, v in client.gets_many(["k1", "k2", "no"]).items()})
    step("delete_many", lambda: client.delete_many([f"k{n}" for n in range(0, 300, 2)]))
    step("get_many again", lambda: client.get_many([f"k{n}" for n in range(300)]))
    step("delete", lambda: [client.delete("a"), client.delete("a")])
    step("counter", lambda: [client.set("n", b"10"), client.incr("n", 5), client.decr("n", 20)])
    step("counter absent", lambda: client.incr("absent", 1))
    step("counter of text", lambda: [client.set("t", b"text"), client.incr("t", 1)])
    step("after an error", lambda: client.get("n"))
    step("touch", lambda: [client.touch("n", 10), client.touch("absent", 10)])
    step("noreply", lambda: [client.set("q", b"1", noreply=True), client.get("q")])
    step("noreply delete", lambda: [client.delete("q", noreply=True), client.get("q")])
    step("noreply many", lambda: [client.set_many({"x": b"1", "y": b"2"}, noreply=True), client.get_many(["x", "y"])])
    step("binary", lambda: [client.set("bin", bytes(range(256)) * 10), client.get("bin")])
    step("empty", lambda: [client.set("empty", b""), client.get("empty")])
    step("large", lambda: [client.set("big", b"x" * 1000000), len(client.get("big"))])
    step("too large", lambda: client.set("big", b"x" * 2000000))
    step("after too large", lambda: [client.get("big"), client.get("n")])
    step("expired", lambda: [client.set("old", b"1", expire=-1), client.get("old")])
    step("long key", lambda: client.get("k" * 251))
    step("longest key", lambda: [client.set("k" * 250, b"1"), client.get("k" * 250)])
    step("version", lambda: client.version()[:6])
    step("stats", lambda: isinstance(client.stats()[b"pid"], int))
    step("quit", lambda: [client.quit(), client.get("n")])
    hashed = HashClient([(HOST, int(PORT))], use_pooling=True)
    step("hash client", lambda: [hashed.set("h", b"1"), hashed.get("h"), hashed.get_many(["h", "n"])])
    step("closed and used again", lambda: [hashed.close(), hashed.get("h")])


def python_memcached_steps():
    import memcache

    client = memcache.Client([ADDRESS], socket_timeout=10)
    step("flush", lambda: client.flush_all())
    step("set", lambda: client.set("a", "one", time=100))
    step("get", lambda: client.get("a"))
    step("types", lambda: [client.set("t", value) and client.get("t") for value in (b"\0\xff", 1, True, None, 2**70, {"a": [1]})])
    step("add", lambda: [client.add("a", "two"), client.add("b", "two")])
    step("replace", lambda: [client.replace("a", "three"), client.replace("absent", "x")])
    step("append", lambda: [client.append("a", "!"), client.prepend("a", "?"), client.get("a")])
    client.cache_cas = True
    step("cas", lambda: [client.gets("a"), client.cas("a", "four"), client.cas("a", "five"), client.get("a")])
    step("set_multi", lambda: client.set_multi({f"k{n}": n for n in range(300)}))
    step("get_multi", lambda: client.get_multi([f"k{n}" for n in range(350)]))
    step("delete_multi", lambda: client.delete_multi([f"k{n}" for n in range(0, 300, 2)]))
    step("get_multi again", lambda: client.get_multi([f"k{n}" for n in range(300)]))
    step("delete", lambda: [client.delete("a"), client.delete("a"), client.delete("b", time=0)])
    step("counter", lambda: [client.set("n", 10), client.incr("n", 5), client.decr("n", 20), client.get("n")])
    step("counter absent", lambda: client.incr("absent"))
    step("touch", lambda: [client.touch("n", 10), client.touch("absent", 10)])
    step("noreply", lambda: [client.set("q", 1, noreply=True), client.get("q"), client.delete("q", noreply=True), client.get("q")])
    step("compressed", lambda: [client.set("z", "x" * 5000, min_compress_len=1), client.get("z")])
    step("large", lambda: [client.set("big", "x" * 1000000), len(client.get("big"))])
    step("too large", lambda: [client.set("big", "x" * 2000000), client.get("big"), client.get("n")])
    client.server_max_value_length = 10**8
    step("too large, sent", lambda: [client.set("big", "x" * 2000000), client.get("big"), client.get("n")])
    step("expired", lambda: [client.set("old", "1", time=-1), client.get("old")])
    step("stats", lambda: "pid" in client.get_stats()[0][1])
    step("stats settings", lambda: "maxconns" in client.get_stats("settings")[0][1])
    step("closed and used again", lambda: [client.disconnect_all(), client.get("n")])


def pylibmc_steps():
    import pylibmc

    client = pylibmc.Client([ADDRESS], binary=False, behaviors={"cas": True})
    step("flush", lambda: client.flush_all())
    step("set", lambda: client.set("a", "one", time=100))
    step("get", lambda: client.get("a"))
    step("types", lambda: [client.set("t", value) and client.get("t") for value in (b"\0\xff", 1, True, None, 2**40, {"a": [1]}, "é")])
    step("add", lambda: [client.add("a", "two"), client.add("b", "two")])
    step("replace", lambda: [client.replace("a", "three"), client.replace("absent", "x")])
    step("append", lambda: [client.set("s", b"s"), client.append("s", b"!"), client.prepend("s", b"?"), client.get("s")])
    step("cas", lambda: [client.gets("a")[0], client.cas("a", "four", client.gets("a")[1])])
    step("cas stale", lambda: client.cas("a", "five", 999999999))
    step("cas absent", lambda: client.cas("absent", "five", 1))
    step("set_multi", lambda: client.set_multi({f"k{n}": n for n in range(300)}))
    step("get_multi", lambda: client.get_multi([f"k{n}" for n in range(350)]))
    step("add_multi", lambda: client.add_multi({"k1": 1, "new": 2}))
    step("delete_multi", lambda: client.delete_multi([f"k{n}" for n in range(0, 300, 2)]))
    step("get_multi again", lambda: client.get_multi([f"k{n}" for n in range(300)]))
    step("delete", lambda: [client.delete("a"), client.delete("a")])
    step("counter", lambda: [client.set("n", 10), client.incr("n", 5), client.decr("n", 20), client.get("n")])
    step("counter absent", lambda: client.incr("absent"))
    step("touch", lambda: [client.touch("n", 10), client.touch("absent", 10)])
    step("compressed", lambda: [client.set("z", "x" * 5000, min_compress_len=1), client.get("z")])
    step("large", lambda: [client.set("big", b"x" * 1000000), len(client.get("big"))])
    step("too large", lambda: client.set("big", b"x" * 2000000))
    step("after too large", lambda: [client.get("big"), client.get("n")])
    step("expired", lambda: [client.set("old", "1", time=2592001), client.get("old")])
    step("stats", lambda: len(client.get_stats()) == 1 and "pid" in str(client.get_stats()))
    step("closed and used again", lambda: [client.disconnect_all(), client.get("n")])
    quick = pylibmc.Client([ADDRESS], binary=False, behaviors={"no_block": True, "tcp_nodelay": True})
    step("without waiting", lambda: [quick.set_multi({f"m{n}": n for n in range(500)}), quick.get_multi([f"m{n}" for n in range(500)])])


def django_steps(library):
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parent / "django"))
    from django_setup import configure

    configure(library, json.dumps([ADDRESS]))
    from django.contrib.sessions.backends.cache import SessionStore
    from django.core.cache import cache
    from django.core.signals import request_finished

    step("clear", lambda: cache.clear())
    step("set", lambda: [cache.set("a", {"b": [1, 2]}, 100), cache.get("a")])
    step("types", lambda: [(cache.set("t", v), cache.get("t"))[1] for v in (1, True, None, "é", b"\xff", 2.5)])
    step("add", lambda: [cache.add("a", 1), cache.add("b", 1), cache.get("b")])
    step("touch", lambda: [cache.touch("a", 50), cache.touch("absent", 50)])
    step("many", lambda: [cache.set_many({f"k{n}": n for n in range(200)}), cache.get_many([f"k{n}" for n in range(250)])])
    step("delete_many", lambda: [cache.delete_many([f"k{n}" for n in range(0, 200, 2)]), cache.get_many([f"k{n}" for n in range(200)])])
    step("incr", lambda: [cache.set("n", 1), cache.incr("n", 4), cache.decr("n", 2), cache.get("n")])
    step("incr absent", lambda: cache.incr("absent"))
    step("get_or_set", lambda: cache.get_or_set("g", lambda: "made", 10))
    step("delete", lambda: [cache.delete("a"), cache.delete("a"), cache.get("a", "gone")])
    step("has_key", lambda: ["b" in cache, "a" in cache])
    step("never", lambda: [cache.set("x", 1, 0), cache.get("x"), cache.set("y", 1, None), cache.get("y")])
    step("version", lambda: [cache.set("v", 1, version=2), cache.get("v"), cache.get("v", version=2), cache.incr_version("v", version=2)])

    def session():
        store = SessionStore()
        store["user"] = {"id": 7}
        store.save(must_create=True)
        request_finished.send(sender=None)
        read = SessionStore(store.session_key)
        found = dict(read.items())
        read["more"] = "x" * 10000
        read.save()
        read.cycle_key()
        old = SessionStore(store.session_key)
        state = [found, old.exists(store.session_key), old.exists(read.session_key)]
        read.delete()
        return [*state, SessionStore(read.session_key).load()]

    step("session", session)
    step("a request later", lambda: [request_finished.send(sender=None) and None, cache.get("b")])


STEPS = {
    "pymemcache": pymemcache_steps,
    "python-memcached": python_memcached_steps,
    "pylibmc": pylibmc_steps,
}

if LIBRARY.startswith("django-"):
    django_steps(LIBRARY[len("django-") :])
else:
    STEPS[LIBRARY]()
