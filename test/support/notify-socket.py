"""The socket on which systemd hears from a service: prints each message as a line of JSON."""

import json
import socket
import sys

name = sys.argv[1]
door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
door.bind("\0" + name[1:] if name.startswith("@") else name)
print("bound", flush=True)
while True:
    print(json.dumps(door.recv(65536).decode().split("\n")), flush=True)
