"""Least privilege, read from the template: all that a function needs, and nothing else."""

from collections.abc import Iterator

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
_SIGNER = "SUPABASE_SIGNING_KEY"


def _arn(service: str, resource: str) -> str:
    """An ARN of this account in this region."""
    here = f"{service}:${{AWS::Region}}:${{AWS::AccountId}}"
    return text({"Fn::Sub": f"arn:${{AWS::Partition}}:{here}:{resource}"})


def _needed(stack: Stack, function: str) -> Iterator[Right]:
    """The rights that follow from what a function is given."""
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


def test_a_function_may_do_what_its_environment_and_events_need_and_nothing_else(
    stack: Stack,
) -> None:
    for function in stack.functions:
        assert stack.rights(stack.role(function)) == set(_needed(stack, function)), function


def test_every_function_has_a_role_of_its_own_and_no_role_is_left_over(stack: Stack) -> None:
    roles = sorted(stack.role(function) for function in stack.functions)
    assert roles == sorted(stack.of_type("AWS::IAM::Role"))


def test_only_log_streams_are_a_star(stack: Stack) -> None:
    for role in stack.of_type("AWS::IAM::Role"):
        for right in stack.rights(role):
            assert "*" not in right.action
            starred = right.resource.removesuffix(':*"}')
            assert "*" not in starred
            assert starred == right.resource or right.action.startswith("logs:")


def test_no_secret_is_in_the_template(stack: Stack) -> None:
    for function in stack.functions:
        assert not _SECRETS & stack.environment(function).keys()


def test_what_a_function_reads_of_the_parameters_are_secrets_of_this_service(stack: Stack) -> None:
    for function in stack.functions:
        names = stack.environment(function).get("SSM_NAMES", "")
        assert set(filter(None, names.split(","))) <= _SECRETS


def test_one_function_alone_signs_tokens_for_those_who_listen(stack: Stack) -> None:
    signing = [f for f in stack.functions if _SIGNER in stack.environment(f).get("SSM_NAMES", "")]
    handlers = [stack.functions[function]["Handler"] for function in signing]
    assert handlers == ["functions.sessions.realtime.handler"]
