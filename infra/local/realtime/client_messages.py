"""Handle a client's broadcast and presence messages."""

import json
from typing import Any

from infra.local.realtime.authorization import write_rights
from infra.local.realtime.channel import Channel
from infra.local.realtime.errors import RealtimeError
from infra.local.realtime.messages import Broadcast, Message
from infra.local.realtime.policies import Rights
from infra.local.realtime.project import ProjectState

_ALL_RIGHTS = Rights(broadcast=True, presence=True)


async def handle_broadcast(project: ProjectState, channel: Channel, frame: Message) -> None:
    """Publish a message; without the right to send it, drop it silently."""
    fields = frame.payload if isinstance(frame.payload, dict) else {}
    event, payload = fields.get("event"), fields.get("payload", {})
    if not (isinstance(event, str) and (await _rights(project, channel)).broadcast):
        return
    if is_too_large(project, payload):
        if channel.config.acknowledges:
            channel.socket.reply(frame, "error", {"reason": "payload_size_exceeded"})
        return
    project.messages.take()
    message = Broadcast(
        channel.name,
        event,
        payload,
        private=channel.config.private,
        prefers_binary=frame.is_binary,
    )
    project.topics.publish(message, besides=None if channel.config.receives_own else channel)
    if channel.config.acknowledges:
        channel.socket.reply(frame, "ok")


async def handle_presence(project: ProjectState, channel: Channel, frame: Message) -> None:
    """Track or untrack the client's presence; without the right to, reply with an error."""
    fields = frame.payload if isinstance(frame.payload, dict) else {}
    event, state = fields.get("event"), fields.get("payload", {})
    if event == "track" and isinstance(state, dict):
        if not (await _rights(project, channel)).presence:
            channel.socket.reply(frame, "error")
            return
        channel.presence_enabled = True
        project.topics.track(channel, state)
    elif event == "untrack":
        project.topics.untrack(channel)
    channel.socket.reply(frame, "ok" if event in ("track", "untrack") else "error")


def is_too_large(project: ProjectState, payload: Any) -> bool:
    """Whether `payload` exceeds the project's limit."""
    limit = project.options.max_payload_bytes
    if limit is None:
        return False
    if not isinstance(payload, bytes):
        payload = json.dumps(payload, ensure_ascii=False).encode(errors="surrogatepass")
    return len(payload) > limit


async def _rights(project: ProjectState, channel: Channel) -> Rights:
    if not channel.config.private:
        return _ALL_RIGHTS
    try:
        return await write_rights(project, channel.bearer, channel.name)
    except RealtimeError:
        return Rights()  # the real server only logs the error
