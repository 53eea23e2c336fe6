"""What a client says to the others in its topic."""

import json
from typing import Any

from infra.local.realtime.admission import rights_to_write
from infra.local.realtime.channel import Channel
from infra.local.realtime.frames import Broadcast, Frame
from infra.local.realtime.policies import Rights
from infra.local.realtime.project import Project
from infra.local.realtime.refusals import Refused

_EVERYTHING = Rights(broadcast=True, presence=True)


async def broadcast(project: Project, channel: Channel, frame: Frame) -> None:
    """Pass a message on; without the right to send it, it is dropped without a word."""
    said = frame.payload if isinstance(frame.payload, dict) else {}
    event, payload = said.get("event"), said.get("payload", {})
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
    project.topics.publish(message, besides=None if channel.config.hears_itself else channel)
    if channel.config.acknowledges:
        channel.socket.reply(frame, "ok")


async def presence(project: Project, channel: Channel, frame: Frame) -> None:
    """Show where the client is, or no more; without the right to, that is refused."""
    said = frame.payload if isinstance(frame.payload, dict) else {}
    event, state = said.get("event"), said.get("payload", {})
    if event == "track" and isinstance(state, dict):
        if not (await _rights(project, channel)).presence:
            channel.socket.reply(frame, "error")
            return
        channel.follows_presence = True
        project.topics.track(channel, state)
    elif event == "untrack":
        project.topics.untrack(channel)
    channel.socket.reply(frame, "ok" if event in ("track", "untrack") else "error")


def is_too_large(project: Project, payload: Any) -> bool:
    """Whether there is a limit that `payload` exceeds."""
    most = project.options.max_payload_bytes
    if most is None:
        return False
    if not isinstance(payload, bytes):
        payload = json.dumps(payload, ensure_ascii=False).encode(errors="surrogatepass")
    return len(payload) > most


async def _rights(project: Project, channel: Channel) -> Rights:
    if not channel.config.private:
        return _EVERYTHING
    try:
        return await rights_to_write(project, channel.bearer, channel.name)
    except Refused:
        return Rights()  # the real server logs it, and does nothing else
