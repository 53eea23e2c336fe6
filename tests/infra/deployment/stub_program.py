#!/usr/bin/env python3
"""Stub of flyctl and of the scripts that a release calls: records calls, gives prepared responses.

The folder in SCENARIO holds `responses.json`. It has a list of responses for each prefix of a
command: the first is for the first call and so on, the last one repeats. A string makes the call
fail with that message, null makes it hang. Responses of flyctl have the documented shapes.
"""

import json
import os
import sys
import time
from pathlib import Path

folder = Path(os.environ["SCENARIO"])
call = [Path(sys.argv[0]).name, *sys.argv[1:]]
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps(call) + "\n")
calls_so_far = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]

responses = json.loads((folder / "responses.json").read_text())
known = [name for name in responses if call[: len(name.split())] == name.split()]
if not known:
    sys.exit(f"unknown command: {' '.join(call)}")
words = max(known, key=len).split()
before = sum(made[: len(words)] == words for made in calls_so_far) - 1
prepared = responses[" ".join(words)]
response = prepared[min(before, len(prepared) - 1)]
if response is None:
    os.close(os.open(folder / "hanging", os.O_WRONLY))  # a named pipe, which a test may wait for
    time.sleep(60)
if isinstance(response, str):
    sys.exit(response)
print(json.dumps(response))
