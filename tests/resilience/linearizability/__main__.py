"""Record histories and check each: `python -m tests.resilience.linearizability --histories 500`."""

import asyncio
import sys
import time
from argparse import ArgumentParser

from rich.progress import Progress

from tests.resilience.linearizability.stage import checked_histories, two_instances
from tests.resilience.linearizability.story import describe


def main() -> None:
    """Exit with 1 if a history isn't linearizable."""
    parser = ArgumentParser(prog="python -m tests.resilience.linearizability", description=__doc__)
    parser.add_argument("--histories", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the first history (default 0)")
    args = parser.parse_args()
    bad = asyncio.run(_check_histories(range(args.seed, args.seed + args.histories)))
    sys.exit(bool(bad))


async def _check_histories(seeds: range) -> int:
    """Return the number of histories that aren't linearizable."""
    operations = bad = 0
    began = time.monotonic()
    with two_instances() as instances, Progress() as progress:
        task = progress.add_task("Histories", total=len(seeds))
        async for checked in checked_histories(seeds, instances):
            operations += len(checked.history)
            progress.advance(task)
            if not checked.is_linearizable:
                bad += 1
                progress.console.print(
                    describe(checked), soft_wrap=True, markup=False, highlight=False
                )
    took = time.monotonic() - began
    print(f"{operations} operations in {took:.0f} s: {bad or 'no'} history not linearizable")
    return bad


if __name__ == "__main__":
    main()
