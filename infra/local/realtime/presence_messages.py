"""Handle a client's messages about its own presence: `track` and `untrack`."""

from dataclasses import replace
from typing import Any

from infra.local.realtime.channel import Channel
from infra.local.realtime.messages import Message
from infra.local.realtime.project import Project
from infra.local.realtime.tokens import RealtimeError


def send_state(project: Project, channel: Channel) -> None:
    """Send who is shown on the channel's topic, if the client takes part and may read that.

    Raises `RealtimeError`, which ends the channel, if the project's limit is exceeded.
    """
    if channel.presence.is_enabled and channel.bearer.reads_presence:
        _count(project)
        state = project.presences.state(channel)
        channel.socket.send(Message(channel.topic, "presence_state", state))


async def change_presence(project: Project, channel: Channel, frame: Message) -> None:
    """Show the channel, or stop showing it, and reply.

    Raises `RealtimeError`, which ends the channel, if a limit is exceeded.
    """
    body = frame.payload if isinstance(frame.payload, dict) else {}
    event = str(body.get("event", "")).lower()
    if not channel.presence.calls.allow():
        reason = "Client presence rate limit exceeded"
        raise RealtimeError("ClientPresenceRateLimitReached", reason)
    if event == "untrack":
        project.untrack(channel)
        channel.socket.reply(frame, "ok")
    elif event == "track" and await _may_be_shown(project, channel):
        _track(project, channel, frame, body.get("payload", {}))
    else:
        channel.socket.reply(frame, "error")


def _track(project: Project, channel: Channel, frame: Message, payload: Any) -> None:
    if not isinstance(payload, dict):
        reason = "Presence track payload must be a map"
        channel.socket.reply(frame, "error", {"reason": reason})
        return
    was_enabled = channel.presence.is_enabled
    if payload != channel.presence.payload:
        _count(project)
        channel.presence.is_enabled = True
        project.track(channel, payload)
    channel.socket.reply(frame, "ok")
    if not was_enabled:
        send_state(project, channel)


async def _may_be_shown(project: Project, channel: Channel) -> bool:
    """Return whether the policies let the channel be shown; they are checked once per token."""
    bearer, policies, name = channel.bearer, project.policies, channel.name
    if bearer.reads_presence is None:
        reads = await policies.may_read(bearer.identity, name, "presence")
        bearer = replace(bearer, reads_presence=reads)
    if bearer.writes_presence is None:
        writes = await policies.may_write(bearer.identity, name, "presence")
        bearer = replace(bearer, writes_presence=writes)
    channel.bearer = bearer
    return bool(bearer.writes_presence)


def _count(project: Project) -> None:
    if project.faults.limits_presence or not project.presences.may_send():
        reason = "Too many presence messages per second"
        raise RealtimeError("PresenceRateLimitReached", reason)
