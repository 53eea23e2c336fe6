"""The steps of a launch, one after the other; those that are done are skipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.deployment.progress import ProgressReporter


@dataclass(frozen=True, slots=True)
class Step:
    """A step that can be repeated: after an interruption it goes on, and creates nothing twice."""

    name: str
    explanation: str
    is_done: Callable[[], bool]
    run: Callable[[], None]
    """Raises `LaunchFailed`."""


def never_done() -> bool:
    """Return False: for steps that only check, or see by themselves what is done."""
    return False


def run_steps(steps: Sequence[Step], tell: ProgressReporter) -> None:
    """Run the steps that aren't done. Raises `LaunchFailed` with the first that can't go on."""
    for number, step in enumerate(steps, 1):
        tell.say(f"\n{number}/{len(steps)} {step.name}: {step.explanation}")
        if step.is_done():
            tell.note("done already")
        else:
            step.run()
