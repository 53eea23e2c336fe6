"""Settings from the file `.env`, for `make run` and `make run-functions`."""

import os
import sys
from pathlib import Path

from infra.environment.variables import EnvFileError, read_variables, unknown_variable_faults

_FILE = Path(".env")


def load_env_file() -> None:
    """Add the variables of `.env` in the current folder to the environment, and say which.

    Variables of the environment win. Unknown names are reported on standard error, and ignored.
    Ends the process if the file can't be read.
    """
    if not _FILE.exists():
        return
    try:
        variables = read_variables(_FILE)
    except EnvFileError as error:
        raise SystemExit(f"SyncKairos can't start. {error}") from None
    for fault in unknown_variable_faults(set(variables)):
        print(f"{_FILE}: {fault}", file=sys.stderr)
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    print(f"Settings from {_FILE.resolve()}: {', '.join(added) or 'none'}", flush=True)
