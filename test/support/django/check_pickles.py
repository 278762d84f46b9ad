"""Reads JSON lines {name, protocol, base64} and loads each pickle; tells what became of it.

For each line one line of JSON comes out: {"same": true}, or the description that was expected and
the one of what was loaded.
"""

import base64
import json
import pickle
import sys

from pickle_cases import CASES, describe

if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    for line in sys.stdin:
        case = json.loads(line)
        expected = describe(CASES[case["name"]](), case["protocol"])
        try:
            loaded = describe(pickle.loads(base64.b64decode(case["base64"])), case["protocol"])
        except Exception as error:
            loaded = repr(error)
        same = loaded == expected
        print(json.dumps({"same": True} if same else {"expected": expected, "loaded": loaded}))
        sys.stdout.flush()
