"""Emulate Upstash's script flag `#!lua flags=allow-key-locking`, which Redis doesn't know."""

import re
from hashlib import sha1
from pathlib import Path

from infra.local.upstash.commands import Command, name_of

_SHEBANG = re.compile(rb"#!lua flags=allow-key-locking[ \t]*\r?\n")


def _load_check() -> bytes:
    lines = Path(__file__).with_name("key_locking.lua").read_bytes().splitlines()
    return b" ".join(line.strip() for line in lines if not line.startswith(b"--")) + b"\n"


_CHECK = _load_check()


class ScriptTranslator:
    """Replaces the flag's line by code that refuses access to keys that aren't in KEYS.

    Therefore a script's SHA-1 in Redis differs from the one that clients know. This maps one to
    the other for the scripts it has seen.
    """

    def __init__(self) -> None:
        self._digests: dict[bytes, bytes] = {}

    def translate(self, command: Command) -> Command:
        """Translate an `EVAL` or `EVALSHA` for Redis; return any other command unchanged."""
        name = name_of(command)
        if name == "EVAL" and len(command) > 1:
            return [command[0], self._checked(command[1]), *command[2:]]
        if name == "EVALSHA" and len(command) > 1:
            return [command[0], self._digests.get(command[1], command[1]), *command[2:]]
        return command

    def _checked(self, script: bytes) -> bytes:
        if not (line := _SHEBANG.match(script)):
            return script
        checked = _CHECK + script[line.end() :]
        self._digests[_digest_of(script)] = _digest_of(checked)
        return checked


def _digest_of(script: bytes) -> bytes:
    return sha1(script, usedforsecurity=False).hexdigest().encode()
