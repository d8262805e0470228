"""`python -m trading_core control`: pause, resume, close and limit what the running broker does."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import secrets
from typing import get_args

import msgspec

from trading_core.broker.inputs import Limit, Verb
from trading_core.bus import connection
from trading_core.config import load
from trading_core.control.client import ask
from trading_core.control.requests import LIMITS, VERBS, Answer, CommandRefused, Request, checked_limits
from trading_core.db.times import utc
from trading_core.errors import ConfigError
from trading_core.run_dir import add_run_dir

EXAMPLES = f"""examples:
  python -m trading_core control pause --strategy funding_arb --why "spread looks odd"
  python -m trading_core control pause --all --why "venue maintenance"        no entries; exits go on
  python -m trading_core control resume --all --why "maintenance is over"
  python -m trading_core control close --position po:default:s:funding_arb:hl:SOL:1792981200000 --why "too large"
  python -m trading_core control close --all --why "weekend"
  python -m trading_core control limits --strategy funding_arb --set max_positions=1 --set stop_loss=0.01 --why "calmer"
  python -m trading_core control limits --strategy funding_arb --reset --why "back to config.yaml"

limits: {", ".join(LIMITS)}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Asks the running broker. What it applies is on the record with who and why, and replays byte for byte. "
        "Exit code 0: applied. 2: refused, with the reason. 1: no answer."
    )
    parser.epilog = EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--strategy", metavar="NAME", help="this strategy")
    parser.add_argument("--position", metavar="ID", help="close this position, by its event id po:…")
    parser.add_argument("--all", action="store_true", help="every strategy, or every open position")
    parser.add_argument("--set", action="append", default=[], metavar="LIMIT=VALUE", help="a limit; null: off")
    parser.add_argument("--reset", action="store_true", help="the limits of the configuration again")
    parser.add_argument("--why", required=True, help="the reason, kept for good")
    parser.add_argument("--who", default=None, help="who asks (default: your login)")
    parser.add_argument("--request-id", metavar="ID", help="the same id is applied once, however often it is sent")
    add_run_dir(parser)


def run(args: argparse.Namespace) -> int:
    """ConfigError for whatever a person must change."""
    from trading_core.supervise.attach import newest_database

    request = request_of(args)
    with newest_database(args.run_dir, start=False, nats=True):
        answer = asyncio.run(_ask(args.verb, request))
    if answer.status == "refused":
        raise ConfigError(f"refused: {answer.reason}")
    at = "" if answer.event_time_ms is None else f" at {utc(answer.event_time_ms):%Y-%m-%d %H:%M:%S} UTC"
    print(f"{args.verb}: applied{at} as request {answer.request_id}; {len(answer.events)} events")
    for event in answer.events:
        print(f"  {event}")
    return 0


def request_of(args: argparse.Namespace) -> Request:
    """What the arguments ask for. ConfigError when they contradict each other or leave out whom they mean."""
    verb: Verb = args.verb
    assert verb in get_args(Verb)
    named = [name for name in ("strategy", "position") if getattr(args, name) is not None] + ["all"] * args.all
    if len(named) != 1:
        raise ConfigError(f"control {verb}: say one of --strategy NAME, --position ID (close only) or --all.")
    if args.position is not None and verb != "close":
        raise ConfigError(f"control {verb}: --position goes with close only. Name a --strategy or --all.")
    if (verb == "limits") != bool(args.set or args.reset) or (args.set and args.reset):
        raise ConfigError("control limits: say --set LIMIT=VALUE or --reset; no other command takes them.")
    request = Request(
        request_id=args.request_id or secrets.token_hex(8),
        who=args.who or getpass.getuser(),
        why=args.why,
        strategy=args.strategy,
        position=args.position,
        limits=_limits(args.set),
    )
    try:
        request.check()
    except CommandRefused as error:
        raise ConfigError(f"control {verb}: {error}") from error
    return request


def _limits(words: list[str]) -> dict[str, Limit]:
    given: dict[str, Limit] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise ConfigError(f"control limits: --set {word} is not LIMIT=VALUE.")
        try:
            given[name] = msgspec.json.decode(text, type=int | float | None) if _is_whole(text) else text
        except msgspec.DecodeError:
            given[name] = text
    try:
        return checked_limits(given)
    except CommandRefused as error:
        raise ConfigError(f"control limits: {error}") from error


def _is_whole(text: str) -> bool:
    """`3` and `null` are JSON; a fraction stays text, so that 0.1 is exactly a tenth."""
    return text == "null" or text.lstrip("-").isdigit()


async def _ask(verb: Verb, request: Request) -> Answer:
    bus = await connection.reach(load().nats.url, name="control/1")
    try:
        return await ask(bus, verb, request)
    finally:
        await bus.close()
