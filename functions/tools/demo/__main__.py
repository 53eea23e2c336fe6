"""Command line of `make demo`."""

import argparse
import sys
from dataclasses import replace

import uvloop
from rich.console import Console

from functions.tools.demo.display import shows
from functions.tools.demo.failure import DemoFailed
from functions.tools.demo.recording import FastGame, Game, load_games
from functions.tools.demo.replay import replay_of, run
from functions.tools.demo.service import Service, service
from functions.tools.demo.summary import summary
from functions.tools.demo.warm_up import warm_up
from functions.tools.demo.ways import recommended, way_of
from functions.tools.demo.witness import witness_of
from infra.local.functions import FunctionError
from infra.local.instance import ServiceStartError

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
    except (DemoFailed, ServiceStartError, FunctionError) as failure:
        console.print(str(failure), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description="Replay a recorded chess game.")
    parser.add_argument("--game", type=int, default=_DEFAULT_GAME, help="number of the game")
    parser.add_argument("--list", action="store_true", help="list the games and exit")
    speeds = " or ".join(f"{way_of(kind).speed:g}" for kind in ("websocket", "supabase", "polling"))
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


def _run_demo(games: tuple[Game, ...], options: argparse.Namespace, console: Console) -> None:
    if not 0 <= options.game < len(games):
        raise DemoFailed(f"There is no game {options.game}. Choose 0 to {len(games) - 1}.")
    game = FastGame(games[options.game], options.speed or way_of("websocket").speed)
    with service(options.url, functions=options.functions, console=console) as target:
        uvloop.run(_play(game, options, target, console))


async def _play(
    game: FastGame, options: argparse.Namespace, target: Service, console: Console
) -> None:
    if target.redis_url:
        await warm_up(target.url, console)
    way = await recommended(target.url)
    game = replace(game, speed=options.speed or way.speed)
    async with (
        replay_of(game, target.url) as replay,
        witness_of(target.redis_url, replay.session_id) as witness,
    ):
        console.print(f"Game {options.game}: {_description(game.game)}", soft_wrap=True)
        console.print(f"{game.speed:g} times faster, via {replay.way.words}", soft_wrap=True)
        await run(replay, shows(replay, console))
    for line in summary(replay, witness):
        console.print(line, soft_wrap=True)


def _description(game: Game) -> str:
    outcome = f"{game.winner} wins" if game.winner else "no winner"
    ending = "on time" if game.ends_on_time else game.termination
    return f"{game.time_control}, {len(game.clocks_ms)} moves, {outcome} ({ending})"


if __name__ == "__main__":
    sys.exit(main())
