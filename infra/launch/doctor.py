"""The first step: check tools, logins, quotas, the region and the rights, and change nothing."""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator

from infra.checks.runner import Check, CheckFailed, print_results, run_checks
from infra.deployment.release_errors import ReleaseRefused
from infra.environment.fly_settings import undelivered_faults as undelivered_by_fly
from infra.environment.function_settings import reserved_concurrency
from infra.environment.function_settings import undelivered_faults as undelivered_by_functions
from infra.environment.variables import unknown_variable_faults
from infra.launch import aws, stores
from infra.launch.context import LaunchContext
from infra.launch.errors import LaunchFailed
from infra.launch.release import is_released
from infra.packaging.interpreter import lambda_python
from infra.packaging.packaging_errors import PackagingFailed

_DEADLINE_S = 60.0
_MIN_NODE = 20
_UNRESERVED = 100
"""How many concurrent executions AWS requires to be left unreserved."""

_WHILE_LAUNCHING = frozenset({"DATABASE_URL", stores.PASSWORD})
"""Variables of the file that a launch needs and the functions don't."""


def check(launch: LaunchContext) -> None:
    """Run and print all checks. Raises `LaunchFailed` if one fails."""
    checks = [Check(name, _asynchronous(look)) for name, look in _checks(launch)]
    results = asyncio.run(run_checks(checks, str, _DEADLINE_S))
    title = f"{launch.stage} on {launch.target}, {launch.region}"
    if print_results(title, results, as_json=False):
        failed = [result.name for result in results if not result.passed]
        raise LaunchFailed(f"Not ready: {', '.join(failed)}. Nothing was changed.")


def _asynchronous(look: Callable[[], str]) -> Callable[[], Awaitable[str]]:
    async def looking() -> str:
        try:
            return await asyncio.to_thread(look)
        except LaunchFailed as failure:
            raise CheckFailed(str(failure)) from None

    return looking


def _checks(launch: LaunchContext) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "variables", lambda: _check_variables(launch)
    yield "region", lambda: _check_region(launch)
    yield "Upstash", lambda: _check_upstash(launch)
    yield "Supabase", lambda: _check_supabase(launch)
    if launch.target == "fly":
        yield "flyctl", lambda: _check_flyctl(launch)
        yield "commit", lambda: _check_commit(launch)
    else:
        yield "Node", lambda: _check_node(launch)
        yield "Python", _check_python
        yield "AWS", lambda: f"account {aws.account(launch.region)}"
        yield "rights", lambda: _check_rights(launch)
        yield "quota", lambda: _check_quota(launch)


def _check_variables(launch: LaunchContext) -> str:
    variables = launch.variables()
    names = set(variables) - {stores.PASSWORD}
    faults = unknown_variable_faults(names)
    if launch.target == "lambda":
        faults += undelivered_by_functions(names - _WHILE_LAUNCHING)
    else:
        faults += undelivered_by_fly(names)
    if faults:
        raise LaunchFailed(f"{launch.file.path.name}: {'; '.join(faults)}")
    return f"{len(variables)} in {launch.file.path.name}"


def _check_region(launch: LaunchContext) -> str:
    if launch.region not in aws.regions():
        raise LaunchFailed(f"{launch.region!r} is not a region of AWS, such as ap-southeast-2")
    before = launch.journal.fact("region")
    if before and before != launch.region:
        raise LaunchFailed(f"this launch began in {before}: give REGION={before}")
    return launch.region


def _check_upstash(launch: LaunchContext) -> str:
    if not launch.missing(stores.REDIS[launch.target]):
        return f"taken from {launch.file.path.name}"
    return stores.require_upstash(launch).check_login()


def _check_supabase(launch: LaunchContext) -> str:
    if not launch.missing(stores.PROJECT[launch.target]):
        return f"taken from {launch.file.path.name}"
    supabase = stores.require_supabase(launch)
    if not launch.project_ref():
        return f"organization {supabase.organization(launch.organization)}"
    return supabase.check_login()


def _check_flyctl(launch: LaunchContext) -> str:
    if not shutil.which("flyctl"):
        raise LaunchFailed("install flyctl: https://fly.io/docs/flyctl/install/")
    try:
        return launch.programs.output("flyctl", "auth", "whoami").strip()
    except LaunchFailed as failure:
        raise LaunchFailed(f"run `fly auth login` ({failure})") from None


def _check_commit(launch: LaunchContext) -> str:
    if is_released(launch):
        return "released already"
    try:
        launch.require_commit()
    except ReleaseRefused as refused:
        raise LaunchFailed(str(refused)) from None
    return "can be released"


def _check_node(launch: LaunchContext) -> str:
    version = launch.programs.output("node", "--version").strip()
    match = re.match(r"v(\d+)", version)
    if not match or int(match[1]) < _MIN_NODE:
        raise LaunchFailed(f"Node {_MIN_NODE} or newer is needed; this is {version}")
    return version


def _check_python() -> str:
    try:
        return lambda_python()
    except PackagingFailed as failure:
        raise LaunchFailed(str(failure)) from None


def _check_rights(launch: LaunchContext) -> str:
    count = len(aws.parameter_names(launch.stage, launch.region))
    stack = "exists" if aws.stack_outputs(launch.stage, launch.region) is not None else "is new"
    return f"{count} parameters, the stack {stack}"


def _check_quota(launch: LaunchContext) -> str:
    allowed = aws.concurrent_executions(launch.region)
    return quota_message(allowed, reserved_concurrency(launch.stage))


def quota_message(allowed: int | None, reserved: int) -> str:
    """Say whether `reserved` executions fit into those `allowed`. Raises `LaunchFailed` if not."""
    if allowed is None:
        return "unknown: AWS didn't tell; the login needs lambda:GetAccountSettings"
    needed = reserved + _UNRESERVED if reserved else 0
    if allowed < needed:
        raise LaunchFailed(
            f"{allowed} concurrent executions are allowed and {needed} needed: raise Lambda"
            " concurrent executions to 1000 under Service Quotas, or take another stage"
        )
    return f"{allowed} concurrent executions, {reserved} of them reserved"
