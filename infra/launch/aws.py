"""What a launch asks AWS, and the subscription to its alarms."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.environment import aws_parameters
from infra.launch.errors import LaunchFailed

_NO_RIGHT = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}


def account(region: str) -> str:
    """Return the number of the account that is logged in. Raises `LaunchFailed`."""
    with _explained("the login"):
        return str(boto3.client("sts", region_name=region).get_caller_identity()["Account"])


def regions() -> list[str]:
    """Return the regions that have Lambda."""
    return list(boto3.session.Session().get_available_regions("lambda"))


def concurrent_executions(region: str) -> int | None:
    """Return how many functions may run at the same time; None if AWS doesn't tell."""
    try:
        settings = boto3.client("lambda", region_name=region).get_account_settings()
    except (BotoCoreError, ClientError):
        return None
    return int(settings["AccountLimit"]["ConcurrentExecutions"])


def stack_outputs(stage: str, region: str) -> dict[str, str] | None:
    """Return the outputs of the stage's stack, None if there is no stack. Raises `LaunchFailed`."""
    name = f"synckairos-{stage}"
    client = boto3.client("cloudformation", region_name=region)
    try:
        with _explained("the stack"):
            (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    except LaunchFailed as failure:
        if "does not exist" in str(failure):
            return None
        raise
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def parameter_names(stage: str, region: str) -> set[str]:
    """Return the names of the stage's parameters. Raises `LaunchFailed`."""
    with _explained("the parameters"):
        return aws_parameters.names(stage, region)


def delete_parameters(stage: str, region: str, names: list[str]) -> None:
    """Delete parameters of the stage. Raises `LaunchFailed`."""
    with _explained("the parameters"):
        aws_parameters.delete(stage, region, names)


def subscribe(topic: str, address: str, region: str) -> None:
    """Send the alarms of a topic to an e-mail address. Raises `LaunchFailed`."""
    with _explained("the subscription"):
        client: Any = boto3.client("sns", region_name=region)
        client.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn the exceptions of boto3 into `LaunchFailed`."""
    try:
        yield
    except ClientError as error:
        hint = ""
        if error.response["Error"]["Code"] in _NO_RIGHT:
            hint = ". The user lacks this right: give it the policy infra/aws/policy.json"
        raise LaunchFailed(f"AWS refused {what}: {error}{hint}") from None
    except BotoCoreError as error:
        raise LaunchFailed(f"AWS can't be asked for {what}: {error}. Try: aws configure") from None
