"""Emulate Upstash's script flag `#!lua flags=allow-key-locking`, which Redis doesn't know."""

import re
from hashlib import sha1
from pathlib import Path

from infra.local.upstash.errors import Command, name_of, subcommand_of
from infra.local.upstash.replies import Reply

_SHEBANG = re.compile(rb"#!lua flags=allow-key-locking[ \t]*\r?\n")
_EVAL = frozenset({"EVAL", "EVAL_RO"})
_EVALSHA = frozenset({"EVALSHA", "EVALSHA_RO"})


def _load_check() -> bytes:
    lines = Path(__file__).with_name("key_locking.lua").read_bytes().splitlines()
    return b" ".join(line.strip() for line in lines if not line.startswith(b"--")) + b"\n"


_CHECK = _load_check()


class ScriptTranslator:
    """Replaces the flag's line by code that refuses access to keys that aren't in KEYS.

    Therefore a script's SHA-1 in Redis differs from the one that clients know. This maps one to
    the other for the scripts it has seen, until `SCRIPT FLUSH`.
    """

    def __init__(self) -> None:
        self._digests: dict[bytes, bytes] = {}

    def written(self, command: Command) -> Command:
        """Translate a client's command for Redis."""
        name = name_of(command)
        if name in _EVAL and len(command) > 1:
            return [command[0], self._checked(command[1]), *command[2:]]
        if name in _EVALSHA and len(command) > 1:
            return [command[0], self._digest(command[1]), *command[2:]]
        return self._script_command(command) if name == "SCRIPT" else command

    def read(self, command: Command, reply: Reply) -> Reply:
        """Translate Redis's reply for the client."""
        if isinstance(reply, bytes) and _loads(command):
            return _digest_of(command[2])
        return reply

    def _script_command(self, command: Command) -> Command:
        if _loads(command):
            return [*command[:2], self._checked(command[2])]
        if subcommand_of(command) == "EXISTS":
            return [*command[:2], *(self._digest(digest) for digest in command[2:])]
        if subcommand_of(command) == "FLUSH":
            self._digests.clear()
        return command

    def _checked(self, script: bytes) -> bytes:
        if not (line := _SHEBANG.match(script)):
            return script
        checked = _CHECK + script[line.end() :]
        self._digests[_digest_of(script)] = _digest_of(checked)
        return checked

    def _digest(self, digest: bytes) -> bytes:
        return self._digests.get(digest.lower(), digest)


def _loads(command: Command) -> bool:
    return len(command) == 3 and name_of(command) == "SCRIPT" and subcommand_of(command) == "LOAD"


def _digest_of(script: bytes) -> bytes:
    return sha1(script, usedforsecurity=False).hexdigest().encode()
