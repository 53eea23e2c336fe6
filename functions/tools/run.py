"""`make run`: the service on this machine, with a Redis of its own unless `REDIS_URL` is set."""

import os
import sys
from contextlib import ExitStack

from functions.server import server
from infra.local.redis import embedded_redis
from shared.settings import Settings


def main() -> None:
    """Serve until Ctrl-C."""
    with ExitStack() as stack:
        if "REDIS_URL" not in os.environ:
            os.environ["REDIS_URL"] = stack.enter_context(embedded_redis())
        os.environ.setdefault("LOG_LEVEL", "WARNING")
        settings = Settings()
        instance = server(settings)
        print(f"SyncKairos is at http://{settings.host}:{settings.port} (Ctrl-C stops it)")
        sys.stdout.flush()
        instance.run()


if __name__ == "__main__":
    main()
