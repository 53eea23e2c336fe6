"""Authorize joins and messages (Realtime Authorization)."""

from typing import Any

from infra.local.realtime.channel import Bearer
from infra.local.realtime.policies import Rights
from infra.local.realtime.project import Project
from infra.local.realtime.refusals import (
    may_not_read,
    only_private,
    too_many_channels,
    too_many_connections,
    too_many_joins,
)
from infra.local.realtime.tokens import API_KEY_PREFIX


def require_room(project: Project, channels: int) -> None:
    """Check the limits for another join on a connection with `channels`. Raises `Refused`."""
    options = project.options
    if not project.joins.take():
        raise too_many_joins()
    if options.channels_per_connection is not None and channels >= options.channels_per_connection:
        raise too_many_channels()
    if options.connections is not None and project.connections > options.connections:
        raise too_many_connections()


async def admit(project: Project, token: str, name: str, *, private: bool) -> Bearer:
    """Authorize the bearer of `token` to join the topic `name`. Raises `Refused`."""
    if project.options.private_only and not private:
        raise only_private()
    identity = project.tokens.identify(token)
    if not private:
        return Bearer(token, identity)
    rights = await project.policies.to_read(identity, name)
    if not rights.broadcast:
        raise may_not_read(name)
    return Bearer(token, identity, rights)


async def rights_to_write(project: Project, bearer: Bearer, name: str) -> Rights:
    """Return the bearer's rights to send to the private topic `name`; cached. Raises `Refused`."""
    if bearer.may_write is None:
        bearer.may_write = await project.policies.to_write(bearer.identity, name)
    return bearer.may_write


def token_of(payload: Any) -> str | None:
    """Return the payload's `access_token`, or `None` if it is missing or an API key."""
    token = payload.get("access_token") if isinstance(payload, dict) else None
    return token if isinstance(token, str) and not token.startswith(API_KEY_PREFIX) else None
