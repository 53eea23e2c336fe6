#!/usr/bin/env python3
"""Stands for flyctl, and for scripts that are called: notes each call, and does as it is told.

The folder in SCENARIO holds `answers.json`: by the first words of a call, what is answered to the
first, the second and so on, the last for ever. A string is a failure with these words, null hangs.
What flyctl answers has the shapes of its documentation.
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

answers = json.loads((folder / "answers.json").read_text())
known = [name for name in answers if call[: len(name.split())] == name.split()]
if not known:
    sys.exit(f"unknown command: {' '.join(call)}")
words = max(known, key=len).split()
before = sum(made[: len(words)] == words for made in calls_so_far) - 1
given = answers[" ".join(words)]
answer = given[min(before, len(given) - 1)]
if answer is None:
    time.sleep(60)
if isinstance(answer, str):
    sys.exit(answer)
print(json.dumps(answer))
