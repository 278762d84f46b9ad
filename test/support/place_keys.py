"""Writes keys with a real client library of Django and tells on which node each one landed.

Reads JSON from standard input: {"client", "nodes", "keys", "behaviors"?}; prints JSON: a list with
the index of the node of each key. Each node is asked by itself, with a plain socket.
"""
import json
import socket
import sys


def writer(client, nodes, behaviors):
    if client == "pymemcache":
        from pymemcache.client.hash import HashClient

        return HashClient(nodes, allow_unicode_keys=True, default_noreply=False)
    if client == "python-memcached":
        import memcache

        names = ["unix:" + n if n.startswith("/") else "inet6:" + n if n.startswith("[") else n for n in nodes]
        return memcache.Client(names)
    import pylibmc

    return pylibmc.Client(nodes, behaviors=behaviors)


def connect(node):
    if node.startswith("/"):
        unix = socket.socket(socket.AF_UNIX)
        unix.connect(node)
        return unix
    host, port = node.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=10)


def held(node, keys):
    """The keys that a node holds."""
    with connect(node) as link, link.makefile("rb") as replies:
        found = set()
        for key in keys:
            link.sendall(b"get " + key.encode() + b"\r\n")
            while (line := replies.readline()) != b"END\r\n":
                if line.startswith(b"VALUE "):
                    found.add(key)
                elif line == b"":
                    raise SystemExit("node %s closed the connection" % node)
        return found


task = json.load(sys.stdin)
nodes, keys = task["nodes"], task["keys"]
client = writer(task["client"], nodes, task.get("behaviors"))
for key in keys:
    if not client.set(key, b"x"):
        raise SystemExit("the client did not store a key")
holders = [held(node, keys) for node in nodes]
placed = []
for key in keys:
    where = [index for index, holder in enumerate(holders) if key in holder]
    if len(where) != 1:
        raise SystemExit("a key is on %d nodes" % len(where))
    placed.append(where[0])
json.dump(placed, sys.stdout)
