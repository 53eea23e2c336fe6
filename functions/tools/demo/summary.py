"""What the demo says at the end."""

from collections.abc import Iterator

from functions.tools.demo.recording import mover
from functions.tools.demo.replay import Replay
from functions.tools.demo.witness import Witness


def summary(replay: Replay, witness: Witness) -> Iterator[str]:
    """How the game ended, and the two figures that the demo is about."""
    journal, speed = replay.journal, replay.game.speed
    slowest_ms = journal.slowest_push_ms([client.arrivals for client in replay.clients])
    difference_ms = abs(journal.difference_ms)
    yield _ending(replay)
    if witness.deadline_ms is not None:
        yield _fall(replay, witness, witness.deadline_ms)
    yield (
        f"Largest disagreement between clients: {journal.disagreement_ms:.1f} ms"
        f" (same version, same instant, {journal.samples} samples);"
        f" a press reached all five within {slowest_ms:.1f} ms, by {replay.way.words}."
    )
    yield (
        f"Largest difference from the recorded clocks: {difference_ms:.1f} ms"
        f" (move {journal.difference_move + 1} of {replay.game.moves});"
        f" at the game's own speed that is {difference_ms * speed / 1000:.2f} s."
    )


def _ending(replay: Replay) -> str:
    game = replay.game.game
    if not game.ends_on_time:
        won = f"{game.winner.capitalize()} won" if game.winner else "Nobody won"
        return f"{won}, by {game.termination}, after {replay.game.moves} moves."
    loser = mover(replay.game.moves)
    latenesses = [client.flag_lateness_ms for client in replay.clients]
    reached = max(lateness for lateness in latenesses if lateness is not None)
    return (
        f"{(game.winner or '').capitalize()} won on time: {loser}'s flag fell by itself;"
        f" {reached:.0f} ms after the deadline it had reached all five clients."
    )


def _fall(replay: Replay, witness: Witness, deadline_ms: int) -> str:
    """When the deadline was noticed. Whoever reads a session notices as well."""
    lateness_ms = max(0.0, replay.clients[0].at_ms(witness.heard_at) - deadline_ms)
    return f"An alarm or a client that asked noticed it {lateness_ms:.0f} ms after the deadline."
