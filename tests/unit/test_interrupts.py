"""The programs that tests start can be interrupted, even if the tests run in the background."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PRINT_HANDLER = "import signal; print(signal.getsignal(signal.SIGINT).__name__)"


def test_a_program_that_a_test_starts_does_not_ignore_sigint() -> None:
    command = [sys.executable, "-c", _PRINT_HANDLER]
    started = subprocess.run(command, capture_output=True, text=True, check=True)
    assert started.stdout == "default_int_handler\n"


def test_nor_does_one_of_tests_that_were_started_with_sigint_ignored() -> None:
    test = f"{__file__}::{test_a_program_that_a_test_starts_does_not_ignore_sigint.__name__}"
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "pytest", test]
    finished = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
