"""The template's routes, queues, logs, alarms and tags."""

import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from infra.packaging.manifest import ROOT
from shared.http.routing import Route
from shared.observability.cloudwatch import METRICS
from tests.infra.packaging.stack import Properties, Stack

_ONLY_IN_THE_CONTAINER = {"functions.service.metrics"}
_CATCHES_ALL = "functions.service.fallback"


def _modules_with_a_handler(*folders: str) -> list[str]:
    names = (
        f"functions.{folder}.{path.stem}"
        for folder in folders
        for path in (ROOT / "functions" / folder).glob("*.py")
        if path.stem != "__init__"
    )
    return sorted(name for name in names if hasattr(import_module(name), "handler"))


ENDPOINTS = [
    name
    for name in _modules_with_a_handler("sessions", "service")
    if name not in _ONLY_IN_THE_CONTAINER
]
WORKERS = _modules_with_a_handler("workers")


def _function_of(stack: Stack, module: str) -> str:
    """Return the logical id of the function that runs the module's handler."""
    of = {properties["Handler"]: name for name, properties in stack.functions.items()}
    assert f"{module}.handler" in of, f"{module} is missing in serverless.yml"
    return of[f"{module}.handler"]


def _route_keys_of(module: ModuleType) -> set[str]:
    return {key for route in module.routes for key in _route_keys(route)}


def _route_keys(route: Route) -> Iterator[str]:
    """Yield the HTTP API's route keys for a route."""
    path = route.path.replace("{rest}", "{path+}")
    path = re.sub("{participant_id}.*", "{participant_id+}", path)  # must be last at API Gateway
    yield f"{route.method} {path}"
    if route.method == "GET":
        yield f"HEAD {path}"  # answered as GET, without the body


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_route_of_an_endpoint_leads_to_its_function(stack: Stack, name: str) -> None:
    expected = {"$default"} if name == _CATCHES_ALL else _route_keys_of(import_module(name))
    assert stack.routes(_function_of(stack, name)) == expected


def test_every_function_is_an_endpoint_or_a_worker(stack: Stack) -> None:
    handlers = {properties["Handler"] for properties in stack.functions.values()}
    assert handlers == {f"{name}.handler" for name in (*ENDPOINTS, *WORKERS)}


def test_a_worker_reports_failures_per_message(stack: Stack) -> None:
    for source in stack.of_type("AWS::Lambda::EventSourceMapping").values():
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_visibility_timeout_is_at_least_six_function_timeouts(stack: Stack) -> None:
    sources_found = 0
    for function, properties in stack.functions.items():
        for source in stack.sources(function):
            queue = stack.of_type("AWS::SQS::Queue")[source["EventSourceArn"]["Fn::GetAtt"][0]]
            assert queue["VisibilityTimeout"] >= 6 * properties["Timeout"]
            sources_found += 1
    assert sources_found == 2


def test_a_message_that_always_fails_ends_in_a_dead_letter_queue_before_it_expires(
    stack: Stack,
) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    worker_queues = [m["EventSourceArn"]["Fn::GetAtt"][0] for m in _mappings(stack)]
    for name in worker_queues:
        redrive = queues[name]["RedrivePolicy"]
        tries = redrive["maxReceiveCount"] * queues[name]["VisibilityTimeout"]
        assert tries < queues[name]["MessageRetentionPeriod"]
        assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues.keys() - set(worker_queues)


def test_every_queue_is_encrypted(stack: Stack) -> None:
    queues = stack.of_type("AWS::SQS::Queue")
    assert len(queues) == 4
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())


def test_a_queue_starts_no_more_workers_than_are_reserved(stack: Stack) -> None:
    """Otherwise throttled messages would end in the dead-letter queue."""
    for function, properties in stack.functions.items():
        reserved = properties.get("ReservedConcurrentExecutions")
        for source in stack.sources(function):
            assert reserved is None or source["ScalingConfig"]["MaximumConcurrency"] <= reserved


def test_every_log_group_has_a_retention_time(stack: Stack) -> None:
    groups = stack.of_type("AWS::Logs::LogGroup")
    assert len(groups) == len(stack.functions)
    assert all(group["RetentionInDays"] for group in groups.values())


def test_every_alarm_notifies_the_alert_topic(stack: Stack) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) == (6 if stack.stage == "prod" else 0)
    assert all(alarm["AlarmActions"] == [{"Ref": "AlertTopic"}] for alarm in alarms.values())


def test_an_alarm_on_a_custom_metric_watches_one_that_the_functions_send(stack: Stack) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    watched = {a["MetricName"] for a in alarms if a.get("Namespace") == "SyncKairos"}
    assert watched == ({"AuditLag"} if stack.stage == "prod" else set())
    assert watched <= METRICS
    sends = {stack.environment(function)["CLOUDWATCH_METRICS"] for function in stack.functions}
    assert sends == {"on" if stack.stage == "prod" else "off"}


def test_every_function_starts_anew_when_a_secret_changes(stack: Stack) -> None:
    assert all("SECRETS_VERSION" in stack.environment(function) for function in stack.functions)


def test_every_function_is_tagged_with_its_stage(stack: Stack) -> None:
    for function, properties in stack.functions.items():
        stage = stack.environment(function)["STAGE"]
        assert {"Key": "Stage", "Value": stage} in properties["Tags"]


def _mappings(stack: Stack) -> list[Properties]:
    return list(stack.of_type("AWS::Lambda::EventSourceMapping").values())
