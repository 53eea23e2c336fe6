"""What AWS charges for a stage at rest, from its CloudFormation template.

A stage at rest is deployed and has no users: only its schedules run, and Lambda polls its queues.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.costs.prices import price_list
from shared.observability.cloudwatch import METRICS

_RATE = re.compile(r"rate\((?P<count>\d+) (?P<unit>minute|hour|day)s?\)")
_MINUTE_S = 60
_UNIT_S = {"minute": _MINUTE_S, "hour": 3600, "day": 86400}
_MB_OF_GB = 1024
_BYTES_OF_GB = 1e9

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in US dollars for each `unit`, and the monthly amount that is free."""

    unit: str
    price: float
    free: float


@dataclass(frozen=True, slots=True)
class CostItem:
    """An amount that AWS counts in a month of 30 days, and how it comes about."""

    name: str
    amount: float
    how: str
    price: Price

    @property
    def listed(self) -> float:
        """The cost at the list price, US dollars."""
        return self.amount * self.price.price

    @property
    def charged(self) -> float:
        """The cost in an account whose free amount only this stage uses, US dollars."""
        return max(0.0, self.amount - self.price.free) * self.price.price


def costs_at_rest(template: Template) -> list[CostItem]:
    """Return what a stage at rest costs in a month. Raises `KeyError` for an unknown price."""
    document = price_list()
    prices = {
        name: Price(entry["unit"], entry["price"], entry["free"])
        for name, entry in document["prices"].items()
    }
    amounts = _Amounts(template, document["at_rest"], document["month_s"])
    return [CostItem(name, amount, how, prices[name]) for name, amount, how in amounts.all()]


def custom_metrics(template: Template) -> int:
    """Return how many custom metrics the stage sends while it is used."""
    functions = _of_type(template, "AWS::Lambda::Function")
    is_on = any(
        function["Environment"]["Variables"].get("CLOUDWATCH_METRICS") == "on"
        for function in functions.values()
    )
    return len(METRICS) if is_on else 0


def stage_of(template: Template) -> str:
    """Return the stage of a template."""
    functions = _of_type(template, "AWS::Lambda::Function")
    return str(next(iter(functions.values()))["Environment"]["Variables"]["STAGE"])


def _of_type(template: Template, kind: str) -> dict[str, Any]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


class _Amounts:
    """Counts what AWS charges for, in one month."""

    def __init__(self, template: Template, at_rest: Mapping[str, Any], month_s: int) -> None:
        self._template, self._at_rest, self._month_s = template, at_rest, month_s
        self._functions = _of_type(template, "AWS::Lambda::Function")

    def all(self) -> Iterator[tuple[str, float, str]]:
        """Yield the name of the price, the amount and how it comes about."""
        runs = sum(count for _, count in self._runs())
        yield self._snapshots()
        yield self._receives()
        yield self._alarms()
        yield "requests", runs, "runs of the schedules"
        yield "duration", self._duration_gb_s(), f"{self._at_rest['run_s']} s a run"
        log_bytes = runs * self._at_rest["log_bytes_of_a_run"]
        yield "logs", log_bytes / _BYTES_OF_GB, f"{self._at_rest['log_bytes_of_a_run']} B a run"

    def _snapshots(self) -> tuple[str, float, str]:
        kept = [f["MemorySize"] for f in self._functions.values() if "SnapStart" in f]
        seconds = self._month_s * sum(kept) / _MB_OF_GB
        return "snapshots", seconds, f"{len(kept)} functions with SnapStart"

    def _receives(self) -> tuple[str, float, str]:
        pollers = [
            self._at_rest["pollers_with_maximum_concurrency"]
            if "ScalingConfig" in source
            else self._at_rest["pollers"]
            for source in _of_type(self._template, "AWS::Lambda::EventSourceMapping").values()
            if source.get("Enabled", True)
        ]
        each = self._at_rest["receives_per_poller_and_minute"] * self._month_s / _MINUTE_S
        how = f"{sum(pollers)} pollers of {len(pollers)} queues"
        return "queues", sum(pollers) * each, how

    def _alarms(self) -> tuple[str, float, str]:
        alarms = _of_type(self._template, "AWS::CloudWatch::Alarm").values()
        watched = sum(_watched_metrics(alarm) for alarm in alarms)
        return "alarms", watched, f"metrics of {len(alarms)} alarms"

    def _runs(self) -> Iterator[tuple[str, float]]:
        """Yield the function and the monthly runs of each schedule."""
        for rule in _of_type(self._template, "AWS::Events::Rule").values():
            rate = _RATE.fullmatch(rule["ScheduleExpression"])
            if rate is None:
                raise KeyError(f"no price for the schedule {rule['ScheduleExpression']}")
            every_s = int(rate["count"]) * _UNIT_S[rate["unit"]]
            for target in rule["Targets"]:
                yield target["Arn"]["Fn::GetAtt"][0], self._month_s / every_s

    def _duration_gb_s(self) -> float:
        run_s: float = self._at_rest["run_s"]
        memory_mb = {name: int(f["MemorySize"]) for name, f in self._functions.items()}
        return sum(
            count * run_s * memory_mb[function] / _MB_OF_GB for function, count in self._runs()
        )


def _watched_metrics(alarm: Mapping[str, Any]) -> int:
    if "Metrics" not in alarm:
        return 1
    return sum("MetricStat" in metric for metric in alarm["Metrics"])
