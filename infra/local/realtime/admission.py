"""Who may join a topic, and with which rights."""

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
    """Raises `Refused` where the limits leave none for a connection that has `channels`."""
    options = project.options
    if not project.joins.take():
        raise too_many_joins()
    if options.channels_per_connection is not None and channels >= options.channels_per_connection:
        raise too_many_channels()
    if options.connections is not None and project.connections > options.connections:
        raise too_many_connections()


async def admit(project: Project, token: str, name: str, *, private: bool) -> Bearer:
    """The bearer of `token` in the topic `name`. Raises `Refused`."""
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
    """What the bearer may send to the private topic `name`, asked once. Raises `Refused`."""
    if bearer.may_write is None:
        bearer.may_write = await project.policies.to_write(bearer.identity, name)
    return bearer.may_write


def token_of(payload: Any) -> str | None:
    """The JWT that a client brings, besides its API key, if it brings one."""
    token = payload.get("access_token") if isinstance(payload, dict) else None
    return token if isinstance(token, str) and not token.startswith(API_KEY_PREFIX) else None
