"""Writes fixtures/django/pickles/protocol-<n>.json: every case, pickled by real Python.

Usage: PYTHONHASHSEED=0 make_pickles.py <folder>; the seed fixes the order of sets.
"""

import base64
import json
import pathlib
import pickle
import sys

from pickle_cases import CASES, SINCE, describe

if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        cases = []
        for name, make in CASES.items():
            if protocol < SINCE.get(name, 0):
                continue
            value = make()
            pickled = pickle.dumps(value, protocol)
            description = json.dumps(describe(value, protocol))
            cases.append({
                "name": name,
                "protocol": protocol,
                "base64": base64.b64encode(pickled).decode(),
                "description": json.loads(description),
            })
        path = pathlib.Path(sys.argv[1], f"protocol-{protocol}.json")
        path.write_text(json.dumps(cases, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
