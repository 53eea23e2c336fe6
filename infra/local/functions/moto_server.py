"""`python -m infra.local.functions.moto_server PORT`: moto's server with prompt long polls."""

import sys
from threading import Event

from moto.server import ThreadedMotoServer
from moto.sqs.models import Queue

# moto's long polls check for messages once a second, which would deliver delayed messages late.
_POLL_S = 0.02

_wait = Queue.wait_for_messages


def _wait_shortly(queue: Queue, _: float) -> None:
    _wait(queue, _POLL_S)  # type: ignore[arg-type] # passed on to `Condition.wait_for`


def main() -> None:
    """Serve until killed."""
    Queue.wait_for_messages = _wait_shortly  # type: ignore[assignment,method-assign] # a patch
    ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False).start()
    Event().wait()


if __name__ == "__main__":
    main()
