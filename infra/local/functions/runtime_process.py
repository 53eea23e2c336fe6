"""The process of one Lambda execution environment, which runs AWS's `awslambdaric`."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local import forked
from infra.local.functions.options import repository_root

_RUNTIME = "awslambdaric"
_MAX_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RuntimeCommand:
    """The interpreter, the handler, and the folder in which it runs."""

    python: Path
    handler: str
    code: Path


@dataclass(frozen=True, slots=True)
class RuntimeProcess:
    """A running process.

    `output` has all that it prints, until `close_output` is called. `exit_code` waits for its end.
    """

    output: asyncio.StreamReader
    close_output: Callable[[], None]
    exit_code: Callable[[], Awaitable[int]]
    kill: Callable[[], None]


async def start_runtime(command: RuntimeCommand, environment: Mapping[str, str]) -> RuntimeProcess:
    """Start the process, with this environment only.

    It is forked if `forked.is_enabled` and it runs this project's code on this interpreter.
    """
    read_end, write_end = os.pipe()
    output, close_output = await _reader(read_end)
    try:
        exit_code, kill = await _start(command, environment, write_end)
    except BaseException:
        close_output()
        raise
    finally:
        os.close(write_end)
    return RuntimeProcess(output, close_output, exit_code, kill)


async def _start(
    command: RuntimeCommand, environment: Mapping[str, str], output: int
) -> tuple[Callable[[], Awaitable[int]], Callable[[], None]]:
    """Start the process; return the functions that wait for its end and kill it."""
    if forked.is_enabled and _is_own(command, environment):
        module = command.handler.rpartition(".")[0]  # its import starts the function
        process = forked.ForkedProcess(
            _RUNTIME, environment, output, [command.handler], anew=[module]
        )
        return lambda: _exit_code(process), process.kill
    child = await asyncio.create_subprocess_exec(
        *(str(command.python), "-m", _RUNTIME, command.handler),
        cwd=command.code,
        env=environment,
        stdin=DEVNULL,
        stdout=output,
        stderr=output,
        # Ctrl-C signals the terminal's whole process group; only `kill` ends this process.
        start_new_session=True,
    )
    return child.wait, child.kill


def _is_own(command: RuntimeCommand, environment: Mapping[str, str]) -> bool:
    is_own_code = command.code == repository_root("") and "PYTHONPATH" not in environment
    return is_own_code and command.python == Path(sys.executable)


async def _reader(read_end: int) -> tuple[asyncio.StreamReader, Callable[[], None]]:
    """Return a stream of what arrives at `read_end`, and the function that closes it."""
    reader = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
    protocol = asyncio.StreamReaderProtocol(reader)
    pipe = os.fdopen(read_end, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    return reader, transport.close


async def _exit_code(process: forked.ForkedProcess) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)
    return process.wait()
