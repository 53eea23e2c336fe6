"""The last step: the address, a first token, the monthly cost and what is left to do."""

import time
from collections.abc import Iterator

import jwt

from infra.costs.prices import machine_price
from infra.fly_toml import always_running
from infra.launch.context import LaunchContext
from infra.launch.functions import ALARMS
from infra.launch.programs import ProgramFailed
from infra.launch.release import ADDRESS

_LIFETIME_S = 3600


def show(launch: LaunchContext) -> None:
    """Print everything that the first user needs. Raises `LaunchFailed`."""
    for line in _lines(launch):
        launch.tell.say(line)
    if launch.target == "lambda":
        _show_costs(launch)


def first_token(secret: str) -> str:
    """Return a service's token that is valid for an hour."""
    claims = {"role": "service", "sub": "backend", "exp": int(time.time()) + _LIFETIME_S}
    return jwt.encode(claims, secret, "HS256")


def _show_costs(launch: LaunchContext) -> None:
    try:
        launch.programs.run(".venv/bin/python", "-m", "infra.costs")
    except ProgramFailed:  # the template of the deployment is on another machine
        launch.tell.say(f"What the stage costs at rest: make cost STAGE={launch.stage}")


def _lines(launch: LaunchContext) -> Iterator[str]:
    variables = launch.variables()
    yield f"Address: {launch.journal.fact(ADDRESS)}"
    if "JWT_JWKS_URL" in variables:
        yield "Tokens: made by the issuer of JWT_JWKS_URL"
    else:
        yield f"A token for an hour: {first_token(variables['JWT_SECRET'])}"
    yield 'A first session: docs/deploy.md, "The first session"'
    yield f"Secrets: {launch.file.path.name}. Keep a copy of it in a safe place."
    if launch.created_project():
        yield (
            "At Supabase, turn off Realtime Settings, Allow public access"
            f" (https://supabase.com/dashboard/project/{launch.project_ref()}/realtime/settings)"
        )
    yield "Redis and Postgres cost nothing in the free plans: docs/operations.md, What it costs"
    if launch.target == "fly":
        machines = always_running()
        price = machines * machine_price()
        yield f"Fly.io always runs {machines} machines, about ${price:.0f} a month"
        yield "Monitoring and alarms: docs/after-deployment.md"
    elif not launch.journal.fact(ALARMS):
        yield "Alarms of prod go to nobody yet: run the same command with ALARMS=you@example.com"
