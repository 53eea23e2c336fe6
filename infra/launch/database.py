"""The step that checks the Redis, applies the migrations and checks the Postgres."""

from infra.launch.context import LaunchContext

_SETTINGS = ("REDIS_URL", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN", "STORE_SHARDS")


def migrate_and_check(launch: LaunchContext) -> None:
    """Reserve the Redis for the stage, migrate, and check both. Raises `LaunchFailed`."""
    variables = launch.variables()
    redis = {name: variables.get(name, "") for name in _SETTINGS if variables.get(name)}
    postgres = {"DATABASE_URL": variables["DATABASE_URL"]}
    programs = launch.programs
    programs.run("infra/scripts/check-redis", "--stage", launch.checked_stage, variables=redis)
    programs.run("make", "migrate", variables=postgres)
    programs.run("infra/scripts/check-postgres", variables=postgres)
