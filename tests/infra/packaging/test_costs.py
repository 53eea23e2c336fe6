"""`make cost`: what a stage costs at rest, computed from its template."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.costs import __main__ as command
from infra.costs.at_rest import CostItem, Price, costs_at_rest, custom_metrics
from infra.packaging.manifest import ROOT
from tests.infra.packaging.stack import Stack

_ARN = {"Fn::GetAtt": ["Work", "Arn"]}
_MONTH_S = 30 * 24 * 3600


def small_template(**resources: dict[str, Any]) -> dict[str, Any]:
    """Return a template with one function of 1 GB and these resources."""
    environment = {"Variables": {"STAGE": "test"}}
    work = {"MemorySize": 1024, "Environment": environment}
    functions = {"Work": {"Type": "AWS::Lambda::Function", "Properties": work}}
    return {"Resources": functions | resources}


def amounts(template: dict[str, Any]) -> dict[str, float]:
    """Return the amount of each item that isn't zero."""
    return {item.name: item.amount for item in costs_at_rest(template) if item.amount}


def test_dev_costs_nothing_at_rest_and_prod_less_than_five_dollars(stack: Stack) -> None:
    """For an account of its own; other stages may use up what is free of charge."""
    charged = {item.name: item.charged for item in costs_at_rest(stack.template) if item.charged}
    if stack.stage == "prod":
        assert 0 < sum(charged.values()) < 5
    else:
        assert charged == {}
    assert custom_metrics(stack.template) <= 10  # as many are free of charge


def test_staging_is_as_cheap_as_dev() -> None:
    params = yaml.safe_load((ROOT / "serverless.yml").read_text())["params"]
    assert params["staging"].keys() == {"logDays"}


def test_nothing_to_run_costs_nothing() -> None:
    assert amounts(small_template()) == {}


def test_a_snapshot_is_charged_by_memory_for_the_whole_month() -> None:
    template = small_template()
    template["Resources"]["Work"]["Properties"]["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    assert amounts(template) == {"snapshots": _MONTH_S}


@pytest.mark.parametrize(
    ("more", "pollers"),
    [({}, 2), ({"ScalingConfig": {"MaximumConcurrency": 2}}, 5), ({"Enabled": False}, 0)],
)
def test_a_poller_asks_three_times_a_minute(more: dict[str, Any], pollers: int) -> None:
    source = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"Enabled": True} | more}
    expected = {"queues": pollers * 3 * _MONTH_S / 60} if pollers else {}
    assert amounts(small_template(Source=source)) == expected


def test_a_schedule_is_charged_by_run_duration_and_log() -> None:
    rule = {"ScheduleExpression": "rate(5 minutes)", "Targets": [{"Arn": _ARN}]}
    counted = amounts(small_template(Rule={"Type": "AWS::Events::Rule", "Properties": rule}))
    assert counted["requests"] == _MONTH_S / 300
    assert counted["duration"] == pytest.approx(counted["requests"] * 0.1)
    assert counted.keys() == {"requests", "duration", "logs"}


def test_each_metric_of_an_alarm_is_charged() -> None:
    plain = {"Namespace": "N", "MetricName": "M"}
    sums = {"Metrics": [{"Expression": "a + b"}, {"MetricStat": {}}, {"MetricStat": {}}]}
    alarms = {
        name: {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
        for name, properties in {"Plain": plain, "Sum": sums}.items()
    }
    assert amounts(small_template(**alarms)) == {"alarms": 3}


def test_only_what_exceeds_the_free_amount_is_charged() -> None:
    price = Price("requests", 0.5, 10)
    assert CostItem("x", 8, "", price).charged == 0
    assert CostItem("x", 8, "", price).listed == 4
    assert CostItem("x", 14, "", price).charged == 2


def test_every_price_has_a_source_and_a_date() -> None:
    document = yaml.safe_load((ROOT / "infra/costs/prices.yml").read_text())
    for name, price in document["prices"].items():
        assert price["source"].startswith("https://"), name
        assert str(price["date"]).startswith("20"), name


def test_the_command_prints_each_item_and_the_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = {"ScheduleExpression": "rate(1 minute)", "Targets": [{"Arn": _ARN}]}
    template = small_template(Rule={"Type": "AWS::Events::Rule", "Properties": rule})
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template))
    monkeypatch.setattr(command, "TEMPLATE", file)
    monkeypatch.setattr(sys, "argv", ["cost"])
    command.main()
    printed = capsys.readouterr().out
    assert "Stage test at rest" in printed
    for item in costs_at_rest(template):
        assert item.name in printed
    assert "together" in printed


def test_without_a_template_the_command_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "TEMPLATE", tmp_path / "missing.json")
    monkeypatch.setattr(sys, "argv", ["cost"])
    with pytest.raises(SystemExit, match="make cost STAGE=dev"):
        command.main()
