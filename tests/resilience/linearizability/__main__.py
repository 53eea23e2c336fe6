"""`python -m tests.resilience.linearizability --histories 500`:

record histories, and explain each.
"""

import asyncio
import sys
import time
from argparse import ArgumentParser

from rich.progress import Progress

from tests.resilience.linearizability.stage import judged, stage
from tests.resilience.linearizability.story import told


def main() -> None:
    """Exits with 1 if a history can't be explained."""
    parser = ArgumentParser(prog="python -m tests.resilience.linearizability", description=__doc__)
    parser.add_argument("--histories", type=int, default=500, help="how many (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one (default 0)")
    asked = parser.parse_args()
    bad = asyncio.run(_explain(range(asked.seed, asked.seed + asked.histories)))
    sys.exit(bool(bad))


async def _explain(seeds: range) -> int:
    """How many can't be."""
    operations = bad = 0
    began = time.monotonic()
    with stage() as on, Progress() as progress:
        task = progress.add_task("Histories", total=len(seeds))
        async for one in judged(seeds, on):
            operations += len(one.history)
            progress.advance(task)
            if not one.is_explained:
                bad += 1
                progress.console.print(told(one), soft_wrap=True, markup=False, highlight=False)
    took = time.monotonic() - began
    print(f"{operations} operations in {took:.0f} s: {bad or 'no'} history not linearizable")
    return bad


if __name__ == "__main__":
    main()
