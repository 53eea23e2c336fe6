"""`python -m infra.local.functions.moto_server PORT`: moto's AWS, with punctual queues."""

import sys
from threading import Event

from moto.server import ThreadedMotoServer
from moto.sqs.models import Queue

# A long poll that finds nothing looks again after a second: a delayed message could come so late.
_LOOK_AGAIN_S = 0.02

_wait = Queue.wait_for_messages


def _wait_shortly(queue: Queue, _: float) -> None:
    _wait(queue, _LOOK_AGAIN_S)  # type: ignore[arg-type] # it is a condition's timeout


def main() -> None:
    """Serve until killed."""
    Queue.wait_for_messages = _wait_shortly  # type: ignore[assignment,method-assign] # the point
    ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False).start()
    Event().wait()


if __name__ == "__main__":
    main()
