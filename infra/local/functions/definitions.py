"""What serverless.yml says of the functions and their queues, as far as a local run needs it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.functions.failures import NotUnderstood
from infra.local.functions.variables import Variables, variables_of

DEFAULT_ROUTE = "$default"
_FILE = re.compile(r"\$\{file\((?P<path>[^()]+)\)\}")
_RATE = re.compile(r"rate\((?P<count>\d+) (?P<unit>minute|hour|day)s?\)")
_UNIT_S = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
# What Lambda and SQS take where nothing is said.
_TIMEOUT_S, _MEMORY_MB, _BATCH, _VISIBILITY_S = 6, 1024, 10, 30
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A queue whose messages a function is invoked with."""

    queue: str
    batch_size: int
    partial_failures: bool
    """Whether the function names the messages that failed; else all do when one does."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One function."""

    name: str
    full_name: str
    handler: str
    timeout_s: float
    memory_mb: int
    environment: Mapping[str, str]
    queue_urls: Mapping[str, str]
    """The variables that hold a queue's address, and that queue's name here."""
    snap_start: bool
    reserved: int | None
    """How many instances there may be at once, where serverless.yml bounds it."""
    routes: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    rates_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue; `name` is what serverless.yml calls the resource."""

    name: str
    queue_name: str
    visibility_s: int
    dead_letters: str | None
    max_receives: int | None


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that a local run takes from serverless.yml."""

    region: str
    functions: Mapping[str, Definition]
    queues: Mapping[str, Queue]


def read_definitions(file: Path, stage: str) -> Definitions:
    """Those of one stage. Raises `NotUnderstood`."""
    document = yaml.safe_load(file.read_text())
    variables = variables_of(document, stage)
    provider = document.get("provider") or {}
    shared = provider.get("environment") or {}
    functions = {
        name: _function(name, body, shared, f"{document['service']}-{stage}-{name}", variables)
        for name, body in document["functions"].items()
    }
    queues = {q.name: q for q in _queues(document.get("resources"), file.parent, variables)}
    region = variables.resolve(provider.get("region", _REGION))
    return Definitions(region, functions, queues)


def _function(
    name: str, body: Mapping[str, Any], shared: Any, full_name: str, variables: Variables
) -> Definition:
    body = variables.resolve({k: v for k, v in body.items() if k not in ("package", "layers")})
    environment = variables.resolve(shared) | (body.get("environment") or {})
    events = body.get("events") or []
    return Definition(
        name=name,
        full_name=full_name,
        handler=body["handler"],
        timeout_s=float(body.get("timeout", _TIMEOUT_S)),
        memory_mb=int(body.get("memorySize", _MEMORY_MB)),
        environment={k: str(v) for k, v in environment.items() if not isinstance(v, Mapping)},
        queue_urls={k: v["Ref"] for k, v in environment.items() if isinstance(v, Mapping)},
        snap_start=bool(body.get("snapStart")),
        reserved=body.get("reservedConcurrency"),
        routes=tuple(_route(event["httpApi"]) for event in events if "httpApi" in event),
        subscriptions=tuple(_subscription(event["sqs"]) for event in events if "sqs" in event),
        rates_s=tuple(_rate_s(event["schedule"]) for event in events if "schedule" in event),
    )


def _route(event: Any) -> str:
    if isinstance(event, Mapping):
        event = f"{event['method']} {event['path']}"
    method, _, path = str(event).partition(" ")
    if not path:
        return DEFAULT_ROUTE
    return f"{'ANY' if method == '*' else method.upper()} {path}"


def _subscription(event: Mapping[str, Any]) -> Subscription:
    queue, _ = event["arn"]["Fn::GetAtt"]
    partial = event.get("functionResponseType") == "ReportBatchItemFailures"
    return Subscription(queue, int(event.get("batchSize", _BATCH)), partial)


def _rate_s(event: Any) -> float:
    text = event["rate"] if isinstance(event, Mapping) else event
    if not (rate := _RATE.fullmatch(str(text))):
        raise NotUnderstood(f"No local run keeps the schedule {text}; only rate(...) is known.")
    return int(rate["count"]) * _UNIT_S[rate["unit"]]


def _queues(resources: Any, folder: Path, variables: Variables) -> Iterator[Queue]:
    for part in resources if isinstance(resources, list) else [resources]:
        if isinstance(part, str) and (named := _FILE.fullmatch(part)):
            part = yaml.safe_load((folder / named["path"]).read_text())
        for name, resource in ((part or {}).get("Resources") or {}).items():
            if resource.get("Type") == "AWS::SQS::Queue":
                yield _queue(name, variables.resolve(resource.get("Properties") or {}))


def _queue(name: str, properties: Mapping[str, Any]) -> Queue:
    redrive = properties.get("RedrivePolicy")
    return Queue(
        name=name,
        queue_name=properties.get("QueueName", name),
        visibility_s=int(properties.get("VisibilityTimeout", _VISIBILITY_S)),
        dead_letters=redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] if redrive else None,
        max_receives=int(redrive["maxReceiveCount"]) if redrive else None,
    )
