"""Steps that create the Redis and the Postgres, or take those that the stage's file names."""

import time
from collections.abc import Mapping
from secrets import token_hex

from infra.environment.secret_definitions import Target
from infra.launch.context import LaunchContext
from infra.launch.errors import LaunchFailed
from infra.launch.supabase import Supabase
from infra.launch.upstash import Upstash

REDIS: Mapping[Target, tuple[str, ...]] = {
    "fly": ("REDIS_URL",),
    "lambda": ("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"),
}
"""The variables that come from the Redis database."""

PROJECT: Mapping[Target, tuple[str, ...]] = {
    "fly": ("DATABASE_URL",),
    "lambda": (
        "DATABASE_URL",
        "SUPABASE_URL",
        "SUPABASE_SERVICE_ROLE_KEY",
        "SUPABASE_PUBLISHABLE_KEY",
    ),
}
"""The variables that come from the Supabase project; functions don't get DATABASE_URL, which the
migrations need."""

PASSWORD = "POSTGRES_PASSWORD"
"""The variable for the password of a new database, until DATABASE_URL contains it."""

_HEALTHY = "ACTIVE_HEALTHY"
_FAILED = {"INIT_FAILED", "REMOVED", "GOING_DOWN", "RESTORE_FAILED", "PAUSE_FAILED"}
_STARTING_POLLS = 120


def create_redis(launch: LaunchContext) -> None:
    """Create a Redis database and write its addresses into the file. Raises `LaunchFailed`."""
    names = REDIS[launch.target]
    _require_none_or_all(launch, names)
    upstash = require_upstash(launch)
    if not launch.journal.resource("redis"):
        launch.ask(f"Create a Redis database at Upstash, in {launch.region}?")
    database_id = launch.create(
        "redis", upstash.find, lambda name: upstash.create(name, launch.region)
    )
    database = upstash.database(database_id)
    addresses = {
        "REDIS_URL": database.redis_url,
        "UPSTASH_REDIS_REST_URL": database.rest_url,
        "UPSTASH_REDIS_REST_TOKEN": database.rest_token,
    }
    _write(launch, "redis", {name: addresses[name] for name in names})


def create_project(launch: LaunchContext) -> None:
    """Create a Supabase project, or take the one of SUPABASE_URL, and write what the file lacks.

    Raises `LaunchFailed`.
    """
    supabase = require_supabase(launch)
    if not launch.project_ref():
        _require_none_or_all(launch, PROJECT[launch.target])
        if not launch.journal.resource("project"):
            launch.ask(f"Create a project at Supabase, in {launch.region}?")
        _create(launch, supabase)
    ref = launch.project_ref()
    _wait_until_healthy(launch, supabase, ref)
    missing = launch.missing(PROJECT[launch.target])
    values: dict[str, str] = {}
    if "DATABASE_URL" in missing:
        values["DATABASE_URL"] = supabase.database_url(ref, _password(launch))
    if "SUPABASE_URL" in missing:
        values["SUPABASE_URL"] = f"https://{ref}.supabase.co"
    if "SUPABASE_PUBLISHABLE_KEY" in missing:
        values["SUPABASE_PUBLISHABLE_KEY"] = supabase.api_key(ref, "publishable")
    if "SUPABASE_SERVICE_ROLE_KEY" in missing:
        values["SUPABASE_SERVICE_ROLE_KEY"] = supabase.api_key(ref, "secret")
    _write(launch, "project", values, remove=(PASSWORD,))


def require_upstash(launch: LaunchContext) -> Upstash:
    """Return the access to Upstash. Raises `LaunchFailed` without credentials."""
    if launch.upstash is None:
        raise LaunchFailed(
            f"{' and '.join(REDIS[launch.target])} not in {launch.file.path.name}, and no"
            " credentials to create a Redis: set UPSTASH_EMAIL and UPSTASH_API_KEY (Upstash's"
            " console, Account, Management API)"
        )
    return launch.upstash


def require_supabase(launch: LaunchContext) -> Supabase:
    """Return the access to Supabase. Raises `LaunchFailed` without credentials."""
    if launch.supabase is None:
        missing = launch.missing(PROJECT[launch.target]) or ["SUPABASE_SIGNING_KEY"]
        raise LaunchFailed(
            f"{', '.join(missing)} not in {launch.file.path.name}, and no credentials to get"
            " what is missing: set SUPABASE_ACCESS_TOKEN (Supabase's dashboard, Account, Access"
            " Tokens)"
        )
    return launch.supabase


def _create(launch: LaunchContext, supabase: Supabase) -> None:
    """Create a project; its password is in the file before, because nobody can read it later."""
    organization = supabase.organization(launch.organization)
    if PASSWORD not in launch.variables():
        launch.file.update({PASSWORD: token_hex(24)})
    password = launch.variables()[PASSWORD]
    launch.create(
        "project",
        supabase.find,
        lambda name: supabase.create(name, organization, password, launch.region),
    )


def _wait_until_healthy(launch: LaunchContext, supabase: Supabase, ref: str) -> None:
    with launch.tell.step("the project starts"):
        for _ in range(_STARTING_POLLS):
            status = supabase.status(ref)
            if status == _HEALTHY:
                return
            if status in _FAILED:
                raise LaunchFailed(f"The project {ref} is {status}: see Supabase's dashboard")
            time.sleep(launch.poll_s)
    raise LaunchFailed(f"The project {ref} is still {status}. Run the same command again later.")


def _password(launch: LaunchContext) -> str:
    if password := launch.variables().get(PASSWORD):
        return password
    raise LaunchFailed(
        f"DATABASE_URL is not in {launch.file.path.name}, and the password of the database is"
        " unknown. Copy the URL of the transaction pooler from Supabase's dashboard (Connect)."
    )


def _require_none_or_all(launch: LaunchContext, names: tuple[str, ...]) -> None:
    """Require that the file doesn't describe half of something that exists already."""
    missing = launch.missing(names)
    if present := [name for name in names if name not in missing]:
        raise LaunchFailed(
            f"{launch.file.path.name} has {', '.join(present)}, but not {', '.join(missing)}: add"
            " what is missing, or remove the others, so that all of it is created"
        )


def _write(
    launch: LaunchContext, kind: str, values: dict[str, str], remove: tuple[str, ...] = ()
) -> None:
    """Write variables into the file; record their names, so that `make destroy` removes them."""
    written = launch.journal.fact("variables") or {}
    names = sorted({*written.get(kind, ()), *values})
    launch.journal.record("variables", written | {kind: names})
    launch.file.update(values, remove)
