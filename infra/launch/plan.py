"""The steps of a launch, in order, for each target."""

from functools import partial

from infra.launch import database, doctor, fly, functions, keys, release, stores, summary
from infra.launch.context import LaunchContext
from infra.launch.step import Step, never_done


def steps(launch: LaunchContext) -> list[Step]:
    """Return the steps of the launch's target."""
    return [*_preparation(launch), *_releases(launch), _summary(launch)]


def _preparation(launch: LaunchContext) -> list[Step]:
    file = launch.file.path.name
    prepared = [
        Step(
            "doctor",
            "check tools, logins, quotas, region and rights; this changes nothing",
            never_done,
            partial(doctor.check, launch),
        ),
        Step(
            "redis",
            f"create a database at Upstash, or take the one in {file}",
            lambda: not launch.missing(stores.REDIS[launch.target]),
            partial(stores.create_redis, launch),
        ),
        Step(
            "postgres",
            f"create a project at Supabase, or take the one in {file}",
            lambda: not launch.missing(stores.PROJECT[launch.target]),
            partial(stores.create_project, launch),
        ),
        Step(
            "keys",
            f"make the secrets that {file} lacks",
            partial(keys.has_keys, launch),
            partial(keys.make_keys, launch),
        ),
    ]
    if launch.target == "lambda":
        prepared.append(
            Step(
                "signing key",
                "import the new key into the Supabase project and put it in use",
                partial(keys.is_signing_key_in_use, launch),
                partial(keys.put_signing_key_in_use, launch),
            )
        )
    check = "check Redis, apply the migrations, check Postgres"
    prepared.append(
        Step("migrations", check, never_done, partial(database.migrate_and_check, launch))
    )
    return prepared


def _releases(launch: LaunchContext) -> list[Step]:
    has_secrets = partial(release.has_set_secrets, launch)
    is_released = partial(release.is_released, launch)
    if launch.target == "fly":
        explained = "build, replace the machines, run a session; roll back if that fails"
        return [
            Step(
                "app",
                f"create {launch.app} on Fly.io",
                partial(fly.has_app, launch.app),
                partial(fly.create_app, launch),
            ),
            Step(
                "secrets",
                f"set the variables of {launch.file.path.name} on the app",
                has_secrets,
                partial(fly.set_secrets, launch),
            ),
            Step("release", explained, is_released, partial(fly.release, launch)),
        ]
    explained = "build, check and upload, run a session; roll back if that fails"
    return [
        Step(
            "secrets",
            f"write SecureStrings under /synckairos/{launch.stage}/",
            has_secrets,
            partial(functions.set_secrets, launch),
        ),
        Step("deployment", explained, is_released, partial(functions.deploy, launch)),
        Step(
            "alarms",
            f"send alarms to {launch.alarms_to or 'nobody (ALARMS= names an address)'}",
            partial(functions.is_subscribed, launch),
            partial(functions.subscribe, launch),
        ),
    ]


def _summary(launch: LaunchContext) -> Step:
    return Step("summary", "what you need now", never_done, partial(summary.show, launch))
