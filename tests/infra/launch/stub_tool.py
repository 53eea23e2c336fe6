#!/usr/bin/env python3
"""Stub of the programs that a launch runs: records calls, and plays the effects that matter.

The folder in SCENARIO holds `calls.jsonl` and `failing.json`, a list of beginnings of commands that
fail. `make deploy` and `osls` change a stack in the AWS at AWS_ENDPOINT_URL, and the file
`deployments`, which `osls deploy list` prints as osls does.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

folder = Path(os.environ["SCENARIO"])
call = [Path(sys.argv[0]).name, *sys.argv[1:]]
line = " ".join(call)
given = {name: os.environ[name] for name in ("REDIS_URL", "DATABASE_URL") if name in os.environ}
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([line, given]) + "\n")
if any(line.startswith(command) for command in json.loads((folder / "failing.json").read_text())):
    sys.exit("it broke")

apps, deployments = folder / "apps", folder / "deployments"
_TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}}},
    "Outputs": {
        "HttpApiUrl": {"Value": "https://api.internal"},
        "AlertTopic": {"Value": {"Ref": "Topic"}},
    },
}


def stack(action: str, stage: str, **more: str) -> None:
    """Change the stack of a stage; an existing one stays as it is when it is created."""
    import boto3

    client = boto3.client("cloudformation")
    with suppress(client.exceptions.AlreadyExistsException):
        getattr(client, f"{action}_stack")(StackName=f"synckairos-{stage}", **more)


def option(name: str) -> str:
    """Return the value after an option."""
    return call[call.index(name) + 1]


match call[:3]:
    case ["flyctl", "apps", "list"]:
        names = apps.read_text().split() if apps.exists() else []
        print(json.dumps([{"Name": name} for name in names]))
    case ["flyctl", "apps", "create"]:
        apps.write_text(call[3])
    case ["flyctl", "apps", "destroy"]:
        apps.unlink()
    case ["flyctl", "status", _]:
        print(json.dumps({"Hostname": f"{option('--app')}.fly.internal"}))
    case ["flyctl", "secrets", "list"]:
        print("[]")
    case ["flyctl", "secrets", "import"]:
        (folder / "imported").write_text(sys.stdin.read())
    case ["make", "deploy", stage]:
        stack("create", stage.partition("=")[2], TemplateBody=json.dumps(_TEMPLATE))
        done = deployments.read_text().split() if deployments.exists() else []
        deployments.write_text("\n".join([*done, str(1_700_000_000_000 + len(done))]))
    case ["osls", "deploy", "list"]:
        for time in deployments.read_text().split():
            print(f"2026-11-30 12:00:00 UTC\nTimestamp: {time}\nFiles:\n  - state.json")
    case ["osls", "remove", _]:
        stack("delete", option("--stage"))
