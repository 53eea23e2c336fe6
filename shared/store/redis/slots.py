"""Cluster slots of keys and commands (Redis cluster specification, "Key distribution model")."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from shared.store.connection import Command, OptionalScript

SLOTS = REDIS_CLUSTER_HASH_SLOTS

_KEYLESS = frozenset({"TIME", "PING", "PUBLISH", "INFO", "ROLE", "CONFIG", "CLUSTER"})

_SCRIPTED = frozenset({"EVAL", "EVALSHA"})


def slot_of(key: str) -> int:
    """Return the slot of a key, computed from its hash tag if it has one."""
    if key.startswith("{"):
        return _slot_of_tag(key[: key.find("}") + 1])
    return int(key_slot(key.encode()))


def slot_of_command(command: Command | OptionalScript) -> int | None:
    """Return the slot of a command's first key; None if it has no key."""
    if isinstance(command, OptionalScript):
        return slot_of(command.keys[0])
    if command[0] in _KEYLESS or len(command) == 1:
        return None
    key = command[3 if command[0] in _SCRIPTED else 1]
    return slot_of(key.decode() if isinstance(key, bytes) else str(key))


def slots_of_commands(
    commands: Sequence[Command | OptionalScript], any_slot: Callable[[], int]
) -> list[int]:
    """Return the slot of each command.

    A command without a key gets the slot of the command before it; leading ones that of the first
    key. If no command has a key, all get `any_slot`.
    """
    slots = [slot_of_command(command) for command in commands]
    first = next((slot for slot in slots if slot is not None), None)
    latest = any_slot() if first is None else first
    result: list[int] = []
    for slot in slots:
        latest = latest if slot is None else slot
        result.append(latest)
    return result


@lru_cache(maxsize=4096)
def _slot_of_tag(tag: str) -> int:
    return int(key_slot(tag.encode()))
