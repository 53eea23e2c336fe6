"""The functions and queues that serverless.yml defines, as far as a local run needs them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.functions.variables import (
    UnsupportedConfiguration,
    Variables,
    read_variables,
)

DEFAULT_ROUTE = "$default"
_FILE_VARIABLE = re.compile(r"\$\{file\((?P<path>[^()]+)\)\}")
_RATE = re.compile(r"rate\((?P<count>\d+) (?P<unit>minute|hour|day)s?\)")
_UNIT_S = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
# Defaults of the Serverless Framework and SQS.
_TIMEOUT_S, _MEMORY_MB, _BATCH, _VISIBILITY_S = 6, 1024, 10, 30
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """Event source mapping from a queue to a function."""

    queue: str
    batch_size: int
    partial_failures: bool
    """Whether the function reports batch item failures; if not, a failure fails the whole batch."""


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """One function's configuration."""

    name: str
    full_name: str
    handler: str
    timeout_s: float
    memory_mb: int
    environment: Mapping[str, str]
    queue_urls: Mapping[str, str]
    """Resource names of queues, by the environment variables that hold their URLs."""
    snap_start: bool
    reserved: int | None
    """Reserved concurrency."""
    routes: tuple[str, ...]
    """HTTP API route keys, such as `GET /v1/sessions/{session_id}`."""
    subscriptions: tuple[EventSourceMapping, ...]
    rates_s: tuple[float, ...]
    """Intervals of the function's schedules, s."""


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """One SQS queue. `name` is its logical ID among the resources."""

    name: str
    queue_name: str
    visibility_s: int
    dead_letters: str | None
    """Logical ID of the dead-letter queue."""
    max_receives: int | None


@dataclass(frozen=True, slots=True)
class ServerlessConfig:
    """The parts of serverless.yml that a local run uses, for one stage."""

    region: str
    functions: Mapping[str, FunctionConfig]
    queues: Mapping[str, QueueConfig]


def read_config(file: Path, stage: str) -> ServerlessConfig:
    """Read serverless.yml for `stage`. Raises `UnsupportedConfiguration`."""
    document = yaml.safe_load(file.read_text())
    variables = read_variables(document, stage)
    provider = document.get("provider") or {}
    shared = provider.get("environment") or {}
    functions = {
        name: _function(name, body, shared, f"{document['service']}-{stage}-{name}", variables)
        for name, body in document["functions"].items()
    }
    queues = {q.name: q for q in _queues(document.get("resources"), file.parent, variables)}
    region = variables.resolve(provider.get("region", _REGION))
    return ServerlessConfig(region, functions, queues)


def _function(
    name: str, body: Mapping[str, Any], shared: Any, full_name: str, variables: Variables
) -> FunctionConfig:
    body = variables.resolve({k: v for k, v in body.items() if k not in ("package", "layers")})
    environment = variables.resolve(shared) | (body.get("environment") or {})
    events = body.get("events") or []
    return FunctionConfig(
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


def _subscription(event: Mapping[str, Any]) -> EventSourceMapping:
    queue, _ = event["arn"]["Fn::GetAtt"]
    partial = event.get("functionResponseType") == "ReportBatchItemFailures"
    return EventSourceMapping(queue, int(event.get("batchSize", _BATCH)), partial)


def _rate_s(event: Any) -> float:
    text = event["rate"] if isinstance(event, Mapping) else event
    if not (rate := _RATE.fullmatch(str(text))):
        raise UnsupportedConfiguration(
            f"Unsupported schedule {text}: local runs support only rate(...)."
        )
    return int(rate["count"]) * _UNIT_S[rate["unit"]]


def _queues(resources: Any, folder: Path, variables: Variables) -> Iterator[QueueConfig]:
    for part in resources if isinstance(resources, list) else [resources]:
        if isinstance(part, str):
            match = _FILE_VARIABLE.fullmatch(part)
            if match is None:
                continue  # the alarms of a stage, which no local run needs
            part = yaml.safe_load((folder / match["path"]).read_text())
        for name, resource in ((part or {}).get("Resources") or {}).items():
            if resource.get("Type") == "AWS::SQS::Queue":
                yield _queue(name, variables.resolve(resource.get("Properties") or {}))


def _queue(name: str, properties: Mapping[str, Any]) -> QueueConfig:
    redrive = properties.get("RedrivePolicy")
    return QueueConfig(
        name=name,
        queue_name=properties.get("QueueName", name),
        visibility_s=int(properties.get("VisibilityTimeout", _VISIBILITY_S)),
        dead_letters=redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] if redrive else None,
        max_receives=int(redrive["maxReceiveCount"]) if redrive else None,
    )
