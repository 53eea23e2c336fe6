"""Summary that the demo prints at the end."""

from collections.abc import Iterator

from tests.demo.recording import side_to_move
from tests.demo.replay import Replay
from tests.demo.timeout_listener import TimeoutListener


def summary(replay: Replay, witness: TimeoutListener) -> Iterator[str]:
    """Yield lines: how the game ended, and the largest differences between clocks."""
    journal, speed = replay.journal, replay.game.speed
    slowest_ms = journal.slowest_push_ms([client.arrivals for client in replay.clients])
    difference_ms = abs(journal.difference_ms)
    yield _outcome_line(replay)
    if witness.deadline_ms is not None:
        yield _timeout_line(replay, witness, witness.deadline_ms)
    yield (
        f"Largest disagreement between clients: {journal.disagreement_ms:.1f} ms"
        f" (same version, same instant, {journal.samples} samples);"
        f" each move reached all five clients within {slowest_ms:.1f} ms, via {replay.way.words}."
    )
    yield (
        f"Largest difference from the recorded clocks: {difference_ms:.1f} ms"
        f" (move {journal.difference_move + 1} of {replay.game.moves});"
        f" at the game's original speed that is {difference_ms * speed / 1000:.2f} s."
    )


def _outcome_line(replay: Replay) -> str:
    game = replay.game.game
    if not game.ends_on_time:
        won = f"{game.winner.capitalize()} won" if game.winner else "No winner"
        return f"{won} ({game.termination}) after {replay.game.moves} moves."
    loser = side_to_move(replay.game.moves)
    latenesses = [client.flag_lateness_ms for client in replay.clients]
    reached = max(lateness for lateness in latenesses if lateness is not None)
    return (
        f"{(game.winner or '').capitalize()} won on time: {loser}'s flag fell;"
        f" all five clients had the timeout {reached:.0f} ms after the deadline."
    )


def _timeout_line(replay: Replay, witness: TimeoutListener, deadline_ms: int) -> str:
    """Return when the timeout was committed; a client that reads the session can cause that."""
    lateness_ms = max(0.0, replay.clients[0].at_ms(witness.heard_at) - deadline_ms)
    return f"An alarm or a read settled the timeout {lateness_ms:.0f} ms after the deadline."
