"""`python -m tests.load at-rest`: count the Redis commands of an instance that is not used.

Hosted Redis plans count commands, so an idle instance must send few. The instance has an audit
trail; the count begins when it has rested for a while.
"""

import argparse
import time
from collections.abc import Mapping

from redis import Redis
from rich import box
from rich.console import Console
from rich.table import Table

from infra.local.instance import running
from infra.local.postgres import embedded_postgres
from infra.local.redis import embedded_redis
from infra.migrate import migrate

NAME = "at-rest"
_UNTIL_REST_S = 90.0
_MINUTES = 5
_MOST_A_MINUTE = 6
_OWN = "cmdstat_info"
"""The command that counts."""


def main(arguments: list[str], console: Console) -> int:
    """Count and print the commands; return the exit code, 1 if there are too many."""
    parser = argparse.ArgumentParser(prog=f"make load SCENARIO={NAME}", description=__doc__)
    parser.add_argument("--minutes", type=int, default=_MINUTES, help="to count; default: 5")
    minutes = parser.parse_args(arguments).minutes
    with console.status("starting"), embedded_postgres() as postgres, embedded_redis() as url:
        migrate(postgres.url)
        with (
            running(url, port=None, quiet=True, DATABASE_URL=postgres.url),
            Redis.from_url(url) as redis,
        ):
            console.print(f"Waiting {_UNTIL_REST_S:.0f} s until the instance rests ...")
            time.sleep(_UNTIL_REST_S)
            before = _calls(redis)
            console.print(f"Counting for {minutes} minutes ...")
            time.sleep(minutes * 60)
            after = _calls(redis)
    rates = {name: (calls - before.get(name, 0)) / minutes for name, calls in after.items()}
    return _report({name: rate for name, rate in rates.items() if rate}, console)


def _calls(redis: Redis) -> dict[str, int]:
    statistics = redis.info("commandstats")
    assert isinstance(statistics, dict)
    return {name: each["calls"] for name, each in statistics.items() if name != _OWN}


def _report(rates: Mapping[str, float], console: Console) -> int:
    table = Table(box=box.SIMPLE)
    table.add_column("command")
    table.add_column("a minute", justify="right")
    for name, rate in sorted(rates.items()):
        table.add_row(name.removeprefix("cmdstat_").upper(), f"{rate:.1f}")
    total = sum(rates.values())
    table.add_row("all", f"{total:.1f}")
    console.print(table)
    is_few = total <= _MOST_A_MINUTE
    console.print(
        f"{'passed' if is_few else 'FAILED'}: at most {_MOST_A_MINUTE} a minute are allowed"
    )
    return 0 if is_few else 1
