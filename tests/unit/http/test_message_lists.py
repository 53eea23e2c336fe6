"""The AsyncAPI document lists, for each transport, exactly the messages that the service sends.

What is sent is read from the source: all messages that the functions of the transport can build,
directly or through other functions.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest

from functions.container.live import connection, presence_pushes, stream, subscription, websocket
from functions.workers import push_retries
from shared.application import push_messages
from shared.http.openapi.asyncapi import asyncapi_document

_LIVE = (connection, presence_pushes, subscription)
"""The modules that sockets and streams share."""

_PUSHES = "push_messages.pushes"
"""Builds the messages of a change, which go to every transport."""


def _qualified(module: ModuleType, name: str) -> str:
    return f"{module.__name__.rpartition('.')[2]}.{name}"


def _functions(module: ModuleType) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _uses(module: ModuleType, function: ast.AST) -> Iterator[str]:
    """Yield the functions of these modules that a function may call.

    A method is found by its name alone, because only `LiveConnection` has methods of these names.
    """
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield _qualified(module, node.id)
        elif isinstance(node, ast.Attribute):
            is_builder = isinstance(node.value, ast.Name) and node.value.id == "push_messages"
            for owner in (push_messages,) if is_builder else _LIVE:
                yield _qualified(owner, node.attr)


_FUNCTIONS = {
    _qualified(module, function.name): (module, function)
    for module in (push_messages, stream, websocket, *_LIVE)
    for function in _functions(module)
}


def _types_sent_by(starts: Iterable[str]) -> set[str]:
    """Return the types of the messages that these functions can build."""
    reached: set[str] = set()
    todo = [*starts]
    while todo:
        if (name := todo.pop()) in _FUNCTIONS and name not in reached:
            reached.add(name)
            todo += _uses(*_FUNCTIONS[name])
    return {
        node.value
        for module, function in (_FUNCTIONS[name] for name in reached)
        if module is push_messages
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isupper()
    }


def _all_of(*modules: ModuleType) -> set[str]:
    return {
        _qualified(module, function.name) for module in modules for function in _functions(module)
    }


_LATE_PUSHES = {
    _qualified(push_messages, name)
    for name, value in vars(push_retries).items()
    if getattr(value, "__module__", None) == push_messages.__name__
}
"""The messages with which a worker makes up for failed pushes."""


@pytest.mark.parametrize(
    ("operation", "starts"),
    [
        ("sendOnSocket", {_PUSHES, *_all_of(websocket, subscription, presence_pushes)}),
        ("sendOnStream", {_PUSHES, *_all_of(stream, subscription, presence_pushes)}),
        ("sendOnSupabase", {_PUSHES, *_LATE_PUSHES}),
    ],
)
def test_the_document_lists_what_is_sent(operation: str, starts: set[str]) -> None:
    document: dict[str, Any] = asyncapi_document()
    messages = document["operations"][operation]["messages"]
    assert {each["$ref"].rpartition("/")[2] for each in messages} == _types_sent_by(starts)
