"""Steps on AWS Lambda: the secrets, a deployment and the alarms."""

import re

from infra.environment.secret_definitions import required_secrets
from infra.launch import aws
from infra.launch.context import LaunchContext
from infra.launch.errors import LaunchFailed
from infra.launch.programs import ProgramFailed
from infra.launch.release import SECRETS, record_release

_OSLS = "infra/aws/node_modules/.bin/osls"
PARAMETERS = "parameters"
STACK = "stack"
ALARMS = "alarms_to"

_TIMESTAMP = re.compile(r"^Timestamp: (\d+)$", re.MULTILINE)
_ADDRESS = "HttpApiUrl"
_TOPIC = "AlertTopic"


def set_secrets(launch: LaunchContext) -> None:
    """Write the secrets into Parameter Store. Raises `LaunchFailed`."""
    variables = launch.variables()
    names = [secret.name for secret in required_secrets("lambda")]
    given = {name: variables[name] for name in names if name in variables}
    own = set(launch.journal.fact(PARAMETERS) or ())
    present = aws.parameter_names(launch.stage, launch.region)
    if replaced := sorted((present & given.keys()) - own):
        launch.ask(f"Replace the parameters {', '.join(replaced)} of {launch.stage}?")
    launch.journal.record(PARAMETERS, sorted(own | (given.keys() - present)))
    launch.programs.run(
        "infra/scripts/secrets", "--target", "lambda", *_where(launch), "--yes", variables=given
    )
    launch.journal.record(SECRETS, launch.fingerprint())


def deploy(launch: LaunchContext) -> None:
    """Deploy the functions and run the smoke test; roll back if it fails. Raises `LaunchFailed`."""
    launch.ask(f"Deploy the functions to {launch.stage} in {launch.region}?")
    previous = _begin(launch)
    launch.programs.run("make", "deploy", f"STAGE={launch.stage}", f"REGION={launch.region}")
    if stack := launch.journal.resource(STACK):
        launch.journal.finish(STACK, stack.name)
    outputs = aws.stack_outputs(launch.stage, launch.region) or {}
    if _ADDRESS not in outputs:
        raise LaunchFailed(f"The stack has no output {_ADDRESS}: see CloudFormation's console")
    secret = {"JWT_SECRET": launch.variables()["JWT_SECRET"]}
    try:
        launch.programs.run("infra/scripts/smoke.sh", outputs[_ADDRESS], variables=secret)
    except (ProgramFailed, KeyboardInterrupt) as failure:
        _roll_back(launch, previous, str(failure) or "interrupted")
    record_release(launch, outputs[_ADDRESS])


def remove_stack(launch: LaunchContext) -> None:
    """Delete the stage's stack, if there is one. Raises `LaunchFailed`."""
    if aws.stack_outputs(launch.stage, launch.region) is not None:
        _install_osls(launch)
        launch.programs.run(_OSLS, "remove", *_where(launch))


def is_subscribed(launch: LaunchContext) -> bool:
    """Return whether no address is given, or AWS has already asked it to confirm."""
    return not launch.alarms_to or bool(launch.journal.fact(ALARMS) == launch.alarms_to)


def subscribe(launch: LaunchContext) -> None:
    """Subscribe the address to the stage's alarms. Raises `LaunchFailed`."""
    topic = (aws.stack_outputs(launch.stage, launch.region) or {}).get(_TOPIC)
    if not topic:
        launch.tell.note(f"{launch.stage} has no alarms (`alarms` in serverless.yml)")
        return
    aws.subscribe(topic, launch.alarms_to, launch.region)
    launch.journal.record(ALARMS, launch.alarms_to)
    launch.tell.note(f"AWS sends a mail to {launch.alarms_to}: confirm the subscription in it")


def _begin(launch: LaunchContext) -> str | None:
    """Record a new stack; return the timestamp of the deployment before this one, None without."""
    if aws.stack_outputs(launch.stage, launch.region) is None:
        launch.journal.begin(STACK, f"synckairos-{launch.stage}")
        return None
    _install_osls(launch)
    return _latest_deployment(launch)


def _latest_deployment(launch: LaunchContext) -> str | None:
    printed = launch.programs.output(_OSLS, "deploy", "list", *_where(launch))
    listed = _TIMESTAMP.findall(printed)
    return max(listed, key=int, default=None)


def _roll_back(launch: LaunchContext, previous: str | None, why: str) -> None:
    """Restore the previous deployment. Always raises `LaunchFailed`."""
    logs = f"See the functions' logs: {_OSLS} logs --function switch --stage {launch.stage}"
    if previous is None:
        raise LaunchFailed(
            f"The smoke test failed: {why}. This is the first deployment, so there is none to go"
            f" back to. {logs}"
        )
    if _latest_deployment(launch) == previous:
        raise LaunchFailed(
            f"The smoke test failed: {why}. The deployment changed nothing, so there is nothing to"
            f" roll back: look at Redis and Supabase. {logs}"
        )
    command = (_OSLS, "rollback", "--timestamp", previous, *_where(launch))
    try:
        launch.programs.run(*command)
    except ProgramFailed as failure:
        raise LaunchFailed(
            f"The smoke test failed, AND SO DID THE ROLLBACK: {failure}. Act at once:"
            f" {' '.join(command)}"
        ) from None
    raise LaunchFailed(
        f"The smoke test failed: {why}. Rolled back to the deployment {previous}. {logs}"
    )


def _install_osls(launch: LaunchContext) -> None:
    if not (launch.programs.root / _OSLS).exists():
        launch.programs.run("make", "package", f"STAGE={launch.stage}")


def _where(launch: LaunchContext) -> tuple[str, ...]:
    return ("--stage", launch.stage, "--region", launch.region)
