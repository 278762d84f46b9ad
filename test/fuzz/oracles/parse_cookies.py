"""Reads Cookie headers from its input, as Django does, for as long as there are any.

Each comes behind its length, four bytes; a line of JSON answers it: names with values.
"""

import json
import struct
import sys

from django.core.handlers.wsgi import get_str_from_wsgi
from django.http.cookie import parse_cookie

source, sink = sys.stdin.buffer, sys.stdout
while head := source.read(4):
    header = source.read(struct.unpack(">I", head)[0]).decode("latin1")
    # As WSGIRequest.COOKIES has it.
    raw = get_str_from_wsgi({"HTTP_COOKIE": header}, "HTTP_COOKIE", "")
    sink.write(json.dumps(parse_cookie(raw), separators=(",", ":")) + "\n")
    sink.flush()
