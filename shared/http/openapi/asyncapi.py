"""Builds the AsyncAPI 3.0 document of the messages from their models."""

from collections.abc import Iterable
from inspect import getdoc
from typing import Any

from pydantic.json_schema import models_json_schema

from shared import VERSION
from shared.http.openapi.example import SESSION_ID
from shared.http.openapi.field_descriptions import describe_fields
from shared.http.openapi.messages import FROM_CLIENTS, PUSHES, SOCKET, STREAM, Message

_DESCRIPTION = """\
The messages about a session. `GET /v1/sessions/{session_id}/realtime` says which of the channels an
installation has, with the address and a token. The requests are in [/api-docs](/api-docs).

Keep a state only if its `version` is newer than the one that you have.
"""
_SESSION_ID = {"description": "The session's UUID", "examples": [SESSION_ID]}
_TOKEN = {"type": "string", "description": "The token, if authentication is on"}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "string", "enum": ["1"], "description": f"`1`: {description}"}


_QUERY = {
    "type": "object",
    "properties": {
        "sessionId": {"type": "string", "format": "uuid", "description": "The session's UUID"},
        "token": _TOKEN,
        "sync": _flag("begin with the current state"),
        "differences": _flag("differences where possible"),
        "presence": _flag("`PRESENCE` when the live connections change"),
    },
    "required": ["sessionId"],
}


def asyncapi_document() -> dict[str, Any]:
    """Return the document."""
    _, definitions = models_json_schema(
        [(model, "serialization") for model in (*SOCKET, *FROM_CLIENTS)],
        ref_template="#/components/schemas/{model}",
    )
    schemas = definitions["$defs"]
    describe_fields(schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "SyncKairos messages", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "sockets": {"host": "localhost:3000", "protocol": "ws"},
            "streams": {"host": "localhost:3000", "protocol": "http"},
        },
        "channels": {
            "websocket": {
                "address": "/ws",
                "description": "A WebSocket for one session; only containers have it.",
                "servers": [{"$ref": "#/servers/sockets"}],
                "messages": _references((*SOCKET, *FROM_CLIENTS)),
                "bindings": {"ws": {"method": "GET", "query": _QUERY}},
            },
            "stream": {
                "address": "/v1/sessions/{session_id}/stream",
                "description": "Server-sent events for one session; only containers have it. The id"
                " of an event is the version, its data the message. The query is as for `/ws`.",
                "servers": [{"$ref": "#/servers/streams"}],
                "parameters": {"session_id": _SESSION_ID},
                "messages": _references(STREAM),
            },
            "supabase": {
                "address": "session:{session_id}",
                "description": "A private channel of Supabase Realtime. The name of an event is the"
                " type of its message. The topic of a tenant's session has the tenant in it.",
                "parameters": {"session_id": _SESSION_ID},
                "messages": _references(PUSHES),
            },
        },
        "operations": {
            "sendOnSocket": _operation("send", "websocket", SOCKET),
            "receiveOnSocket": _operation("receive", "websocket", FROM_CLIENTS),
            "sendOnStream": _operation("send", "stream", STREAM),
            "sendOnSupabase": _operation("send", "supabase", PUSHES),
        },
        "components": {
            "schemas": schemas,
            "messages": {_name(model): _message(model) for model in (*SOCKET, *FROM_CLIENTS)},
        },
    }


def _name(model: Message) -> str:
    """Return the type of the message."""
    return str(model.model_json_schema()["properties"]["type"]["const"])


def _message(model: Message) -> dict[str, Any]:
    return {
        "name": _name(model),
        "summary": getdoc(model),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _references(models: Iterable[Message]) -> dict[str, Any]:
    names = map(_name, models)
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _operation(action: str, channel: str, models: Iterable[Message]) -> dict[str, Any]:
    """Return an operation of the service: `send` is to clients."""
    path = f"#/channels/{channel}"
    return {
        "action": action,
        "channel": {"$ref": path},
        "messages": [{"$ref": f"{path}/messages/{_name(model)}"} for model in models],
    }
