"""`make demo`: options, a service, one game."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvloop
from rich.console import Console

from functions.tools.demo.display import shows
from functions.tools.demo.failure import DemoFailed
from functions.tools.demo.recording import FastGame, Game, load_games
from functions.tools.demo.replay import replay_of, run
from functions.tools.demo.summary import summary
from infra.local.instance import InstanceFailed, answers, running
from infra.local.redis import embedded_redis

_DEFAULT_URL = "http://127.0.0.1:3000"
_DEFAULT_GAME = 0
"""It has an increment, ended on time, and leaves a busy machine room for late presses."""


def main() -> int:
    """Replay one game; returns the exit code."""
    options = _options()
    console = Console(highlight=False)
    games = load_games()
    if options.list:
        for number, game in enumerate(games):
            console.print(f"{number:3}  {_description(game)}")
        return 0
    try:
        _demonstrate(games, options, console)
    except (DemoFailed, InstanceFailed) as failure:
        console.print(str(failure), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Replays a recorded chess game.")
    parser.add_argument("--game", type=int, default=_DEFAULT_GAME, help="its number in --list")
    parser.add_argument("--list", action="store_true", help="list the games and stop")
    parser.add_argument("--speed", type=_speed, default=60.0, help="how many times faster")
    parser.add_argument("--url", help="the service; default: SYNCKAIROS_URL, or one of our own")
    return parser.parse_args()


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _demonstrate(games: tuple[Game, ...], options: argparse.Namespace, console: Console) -> None:
    if not 0 <= options.game < len(games):
        raise DemoFailed(f"There is no game {options.game}: they are 0 to {len(games) - 1}.")
    game = FastGame(games[options.game], options.speed)
    with _service(options.url, console) as url:
        console.print(f"Game {options.game}: {_description(game.game)}", soft_wrap=True)
        uvloop.run(_play(game, url, console))


async def _play(game: FastGame, url: str, console: Console) -> None:
    async with replay_of(game, url) as replay:
        await run(replay, url, shows(replay, console))
    for line in summary(replay):
        console.print(line, soft_wrap=True)


@contextmanager
def _service(asked_for: str | None, console: Console) -> Iterator[str]:
    """The service that was asked for, the one that runs already, or one of our own."""
    url = (asked_for or os.environ.get("SYNCKAIROS_URL") or _DEFAULT_URL).rstrip("/")
    with ExitStack() as stack:
        if not answers(url):
            if asked_for:
                raise DemoFailed(f"No service answers at {url}.")
            missing, url = url, _own_service(stack)
            console.print(f"No service at {missing}: one of our own runs at {url}.", soft_wrap=True)
        yield url


def _own_service(stack: ExitStack) -> str:
    """The url of a service that lasts as long as `stack`."""
    redis_url = stack.enter_context(embedded_redis())
    return stack.enter_context(running(redis_url, quiet=True)).url


def _description(game: Game) -> str:
    outcome = f"{game.winner} wins" if game.winner else "nobody wins"
    ending = "on time" if game.ends_on_time else f"by {game.termination}"
    return f"{game.time_control}, {len(game.clocks_ms)} moves, {outcome} {ending}"


if __name__ == "__main__":
    sys.exit(main())
