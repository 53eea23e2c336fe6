"""Authorize joins and messages (Realtime Authorization)."""

from typing import Any

from infra.local.realtime.channel import ChannelAuthorization
from infra.local.realtime.errors import (
    private_only,
    too_many_channels,
    too_many_connections,
    too_many_joins,
    unauthorized,
)
from infra.local.realtime.policies import Rights
from infra.local.realtime.project import ProjectState
from infra.local.realtime.tokens import API_KEY_PREFIX


def check_limits(project: ProjectState, channels: int) -> None:
    """Check the limits for another join on a connection with `channels`. Raises `RealtimeError`."""
    options = project.options
    if not project.joins.take():
        raise too_many_joins()
    if (
        options.max_channels_per_connection is not None
        and channels >= options.max_channels_per_connection
    ):
        raise too_many_channels()
    if options.connections is not None and project.connections > options.connections:
        raise too_many_connections()


async def authorize_join(
    project: ProjectState, token: str, name: str, *, private: bool
) -> ChannelAuthorization:
    """Authorize the bearer of `token` to join the topic `name`. Raises `RealtimeError`."""
    if project.options.private_only and not private:
        raise private_only()
    identity = project.tokens.identify(token)
    if not private:
        return ChannelAuthorization(token, identity)
    rights = await project.policies.read_rights(identity, name)
    if not rights.broadcast:
        raise unauthorized(name)
    return ChannelAuthorization(token, identity, rights)


async def write_rights(project: ProjectState, bearer: ChannelAuthorization, name: str) -> Rights:
    """Return the bearer's rights to send to the private topic `name`;

    cached. Raises `RealtimeError`.
    """
    if bearer.may_write is None:
        bearer.may_write = await project.policies.write_rights(bearer.identity, name)
    return bearer.may_write


def access_token_in(payload: Any) -> str | None:
    """Return the payload's `access_token`, or `None` if it is missing or an API key."""
    token = payload.get("access_token") if isinstance(payload, dict) else None
    return token if isinstance(token, str) and not token.startswith(API_KEY_PREFIX) else None
