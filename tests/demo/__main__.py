"""Command line of `make demo`."""

import argparse
import sys
from dataclasses import replace

import uvloop
from rich.console import Console

from infra.local.functions import FunctionError
from infra.local.instance import ServiceStartError
from tests.demo.display import display_for
from tests.demo.errors import DemoError
from tests.demo.recording import AcceleratedGame, RecordedGame, load_games
from tests.demo.replay import connect_replay, play
from tests.demo.service import DemoService, demo_service
from tests.demo.summary import summary
from tests.demo.timeout_listener import timeout_listener
from tests.demo.transports import recommended_transport, transport_for
from tests.demo.warm_up import start_functions

_DEFAULT_GAME = 0
"""It has an increment, ended on time, and tolerates late switches on a busy machine."""


def main() -> int:
    """Replay one game and return the exit code."""
    options = _options()
    console = Console(highlight=False)
    games = load_games()
    if options.list:
        for number, game in enumerate(games):
            console.print(f"{number:3}  {_description(game)}")
        return 0
    try:
        _run_demo(games, options, console)
    except (DemoError, ServiceStartError, FunctionError) as failure:
        console.print(str(failure), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Replay a recorded chess game.")
    parser.add_argument("--game", type=int, default=_DEFAULT_GAME, help="number of the game")
    parser.add_argument("--list", action="store_true", help="list the games and exit")
    speeds = " or ".join(
        f"{transport_for(kind).speed:g}" for kind in ("websocket", "supabase", "polling")
    )
    what = f"speed factor; default: {speeds}, for WebSocket, Supabase Realtime or polling"
    parser.add_argument("--speed", type=_speed, help=what)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--url", help="URL of the service; default: SYNCKAIROS_URL, or start a service"
    )
    where.add_argument("--functions", action="store_true", help="start the Lambda functions")
    return parser.parse_args()


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _run_demo(
    games: tuple[RecordedGame, ...], options: argparse.Namespace, console: Console
) -> None:
    if not 0 <= options.game < len(games):
        raise DemoError(f"There is no game {options.game}. Choose 0 to {len(games) - 1}.")
    game = AcceleratedGame(games[options.game], options.speed or transport_for("websocket").speed)
    with demo_service(options.url, functions=options.functions, console=console) as target:
        uvloop.run(_play(game, options, target, console))


async def _play(
    game: AcceleratedGame, options: argparse.Namespace, target: DemoService, console: Console
) -> None:
    if target.redis_url:
        await start_functions(target.url, console)
    way = await recommended_transport(target.url)
    game = replace(game, speed=options.speed or way.speed)
    async with (
        connect_replay(game, target.url) as replay,
        timeout_listener(target.redis_url, replay.session_id) as witness,
    ):
        console.print(f"Game {options.game}: {_description(game.game)}", soft_wrap=True)
        console.print(f"{game.speed:g} times faster, via {replay.way.words}", soft_wrap=True)
        await play(replay, display_for(replay, console))
    for line in summary(replay, witness):
        console.print(line, soft_wrap=True)


def _description(game: RecordedGame) -> str:
    outcome = f"{game.winner} wins" if game.winner else "no winner"
    ending = "on time" if game.ends_on_time else game.termination
    return f"{game.time_control}, {len(game.clocks_ms)} moves, {outcome} ({ending})"


if __name__ == "__main__":
    sys.exit(main())
