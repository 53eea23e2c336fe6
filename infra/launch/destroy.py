"""`make destroy`: delete what the journal says that a launch created, and nothing else."""

from collections.abc import Callable, Iterator

from infra.launch import aws
from infra.launch.context import LaunchContext
from infra.launch.fly import has_app
from infra.launch.functions import PARAMETERS, STACK, remove_stack
from infra.launch.stores import PASSWORD, require_supabase, require_upstash

Deletion = tuple[str, Callable[[LaunchContext], None]]


def created(launch: LaunchContext) -> list[str]:
    """Return a description of each thing that would be deleted."""
    return [description for description, _ in _deletions(launch)]


def destroy(launch: LaunchContext) -> None:
    """Delete everything that this launch created, and its variables in the file.

    Can be repeated after a failure. Raises `LaunchFailed`.
    """
    for description, delete in list(_deletions(launch)):
        with launch.tell.step(f"delete {description}"):
            delete(launch)
    launch.journal.delete()


def _deletions(launch: LaunchContext) -> Iterator[Deletion]:
    """Yield what to delete, the users of a store before the store."""
    if stack := launch.journal.resource(STACK):
        yield f"the stack {stack.name} on AWS", _delete_stack
    if names := launch.journal.fact(PARAMETERS):
        yield f"{len(names)} parameters of {launch.stage} on AWS", _delete_parameters
    if app := launch.journal.resource("app"):
        yield f"the app {app.name} on Fly.io", _delete_app
    if project := launch.journal.resource("project"):
        yield f"the project {project.name} at Supabase, WITH ALL ITS DATA", _delete_project
    if redis := launch.journal.resource("redis"):
        yield f"the database {redis.name} at Upstash, WITH ALL ITS DATA", _delete_redis


def _delete_stack(launch: LaunchContext) -> None:
    remove_stack(launch)
    launch.journal.forget(STACK)


def _delete_parameters(launch: LaunchContext) -> None:
    aws.delete_parameters(launch.stage, launch.region, launch.journal.fact(PARAMETERS))
    launch.journal.record(PARAMETERS, [])


def _delete_app(launch: LaunchContext) -> None:
    app = launch.journal.resource("app")
    if app and has_app(app.name):
        launch.programs.run("flyctl", "apps", "destroy", app.name, "--yes")
    launch.journal.forget("app")


def _delete_project(launch: LaunchContext) -> None:
    supabase = require_supabase(launch)
    project = launch.journal.resource("project")
    if project and (ref := project.id or supabase.find(project.name)):
        supabase.delete(ref)
    _forget(launch, "project", PASSWORD)


def _delete_redis(launch: LaunchContext) -> None:
    upstash = require_upstash(launch)
    redis = launch.journal.resource("redis")
    if redis and (database_id := redis.id or upstash.find(redis.name)):
        upstash.delete(database_id)
    _forget(launch, "redis")


def _forget(launch: LaunchContext, kind: str, *more: str) -> None:
    """Remove the variables of what is deleted, so that the next launch creates it anew."""
    written = launch.journal.fact("variables") or {}
    if launch.file.path.exists():
        launch.file.update({}, remove=(*written.get(kind, ()), *more))
    launch.journal.forget(kind)
