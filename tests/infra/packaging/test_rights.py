"""Least privilege: the template gives a function exactly the rights that it needs."""

import json
from collections.abc import Iterator

from infra.packaging.manifest import ROOT
from tests.infra.packaging.stack import Right, Stack, text

_SECRETS = {
    "JWT_SECRET",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "SUPABASE_URL",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_SIGNING_KEY",
}
_SIGNING_KEY = "SUPABASE_SIGNING_KEY"


def _arn(service: str, resource: str) -> str:
    """Return the ARN of a resource of this account and region."""
    account = f"{service}:${{AWS::Region}}:${{AWS::AccountId}}"
    return text({"Fn::Sub": f"arn:${{AWS::Partition}}:{account}:{resource}"})


def _needed(stack: Stack, function: str) -> Iterator[Right]:
    """Yield the rights that a function needs for its log, secrets and queues."""
    group = f"log-group:/aws/lambda/{stack.functions[function]['FunctionName']}"
    yield Right("logs:CreateLogStream", _arn("logs", f"{group}:*"))
    yield Right("logs:PutLogEvents", _arn("logs", f"{group}:*"))
    environment = stack.environment(function)
    for name in filter(None, environment.get("SSM_NAMES", "").split(",")):
        yield Right("ssm:GetParameters", _arn("ssm", f"parameter{environment['SSM_PATH']}/{name}"))
    for value in environment.values():
        if isinstance(value, dict) and value["Ref"] in stack.of_type("AWS::SQS::Queue"):
            yield Right("sqs:SendMessage", text({"Fn::GetAtt": [value["Ref"], "Arn"]}))
    for source in stack.sources(function):
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            yield Right(f"sqs:{action}", text(source["EventSourceArn"]))


def test_a_function_has_exactly_the_rights_for_its_environment_and_events(
    stack: Stack,
) -> None:
    for function in stack.functions:
        assert stack.rights(stack.role(function)) == set(_needed(stack, function)), function


def test_every_function_has_a_role_of_its_own_and_no_role_is_left_over(stack: Stack) -> None:
    roles = sorted(stack.role(function) for function in stack.functions)
    assert roles == sorted(stack.of_type("AWS::IAM::Role"))


def test_only_log_streams_use_a_wildcard(stack: Stack) -> None:
    for role in stack.of_type("AWS::IAM::Role"):
        for right in stack.rights(role):
            assert "*" not in right.action
            starred = right.resource.removesuffix(':*"}')
            assert "*" not in starred
            assert starred == right.resource or right.action.startswith("logs:")


def test_no_secret_is_in_the_template(stack: Stack) -> None:
    for function in stack.functions:
        assert not _SECRETS & stack.environment(function).keys()


def test_functions_read_only_secrets_of_the_service_from_parameter_store(stack: Stack) -> None:
    for function in stack.functions:
        names = stack.environment(function).get("SSM_NAMES", "")
        assert set(filter(None, names.split(","))) <= _SECRETS


def test_only_the_realtime_function_has_the_signing_key(stack: Stack) -> None:
    signing = [
        f for f in stack.functions if _SIGNING_KEY in stack.environment(f).get("SSM_NAMES", "")
    ]
    handlers = [stack.functions[function]["Handler"] for function in signing]
    assert handlers == ["functions.sessions.realtime.handler"]


_ACTIONS = {"ApiGatewayV2": "apigateway"}
"""The prefix of actions, if it isn't CloudFormation's name of the service in lower case."""


def test_the_policy_for_deployments_admits_every_service_of_the_stack(stack: Stack) -> None:
    policy = json.loads((ROOT / "infra/aws/policy.json").read_text())
    admitted = {
        action.partition(":")[0]
        for statement in policy["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    services = {
        resource["Type"].split("::")[1] for resource in stack.template["Resources"].values()
    }
    assert {_ACTIONS.get(service, service.lower()) for service in services} <= admitted


def test_the_policy_for_deployments_changes_only_resources_of_the_service() -> None:
    policy = json.loads((ROOT / "infra/aws/policy.json").read_text())
    for statement in policy["Statement"]:
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            if resource == "*":
                assert "*" not in "".join(statement["Action"]), statement["Sid"]
            elif statement["Sid"] != "Api" and not resource.endswith("changeSet/*/*"):
                assert "synckairos" in resource
