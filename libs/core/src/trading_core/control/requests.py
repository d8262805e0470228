"""A person's request to a running broker, its answer, and whether the broker can do it. Pure: text in, command out."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Literal, get_args

import msgspec
from pydantic import ValidationError

from trading_core.broker.book import Book
from trading_core.broker.commands import with_limits
from trading_core.broker.events import CommandApplied, Event
from trading_core.broker.inputs import Command, Limit, Place, Verb
from trading_core.broker.rules import RuleBook
from trading_core.config import StrategyRules
from trading_core.errors import TradingError

VERBS: tuple[Verb, ...] = get_args(Verb)
LIMITS = (
    "stake_fraction", "risk_fraction", "fixed_quantity", "stop_loss", "take_profit", "timeout_m", "min_confidence",
    "cooldown_s", "max_positions", "max_exposure", "max_daily_loss", "max_signal_age_s", "max_mark_age_s",
)  # fmt: skip
"""Rules of a strategy that may change while it trades; how it sizes and fills may not."""
LONGEST_TEXT = 200
_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class CommandRefused(TradingError):
    """The request cannot be done as it stands; the sentence says what to change."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`strategy` None: all of them. `position`: of `close` only, None for every open one (of `strategy`)."""

    request_id: str
    who: str
    why: str
    strategy: str | None = None
    position: str | None = None
    limits: dict[str, Limit] = {}

    def check(self) -> None:
        """CommandRefused when it does not say who asks, why, and which request it is."""
        if not _ID.match(self.request_id):
            raise CommandRefused(f"request_id {self.request_id!r} must be 1 to 64 letters, digits, '_' or '-'.")
        for name, text in (("who", self.who), ("why", self.why)):
            if not text.strip() or len(text) > LONGEST_TEXT or not text.isprintable():
                raise CommandRefused(f"{name} must say something in at most {LONGEST_TEXT} characters on one line.")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`applied` at `event_time_ms` with the events it caused, or `refused` with a reason. Repeated: the same."""

    request_id: str
    status: Literal["applied", "refused"]
    event_time_ms: int | None = None
    events: tuple[str, ...] = ()
    reason: str = ""


def applied(request: Request, events: Sequence[Event]) -> tuple[CommandApplied, Answer]:
    """The event of what was asked, which is one of `events`, and the answer: it names all the others."""
    [done] = [event for event in events if isinstance(event, CommandApplied)]
    effects = tuple(event.event_id for event in events if event is not done)
    return done, Answer(request_id=request.request_id, status="applied", event_time_ms=done.ts_ms, events=effects)


_requests = msgspec.json.Decoder(Request)
_answers = msgspec.json.Decoder(Answer)


def verb_of(word: str) -> Verb:
    """CommandRefused when there is no such command."""
    for verb in VERBS:
        if verb == word:
            return verb
    raise CommandRefused(f"there is no command {word}. Commands are: {', '.join(VERBS)}.")


def decode_request(data: bytes) -> Request:
    """CommandRefused when `data` is no request."""
    try:
        request = _requests.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandRefused(f"the request is not what it should be: {error}.") from error
    request.check()
    return request


def decode_answer(data: bytes | str) -> Answer:
    return _answers.decode(data)


def command(
    verb: Verb, request: Request, book: Book, rules: RuleBook, strategies: Collection[str], place: Place
) -> Command:
    """What the broker is to apply at `place`. CommandRefused when it cannot."""
    names = _strategies(request.strategy, strategies)
    positions: tuple[str, ...] = ()
    limits: dict[str, Limit] = {}
    if verb == "close":
        positions = _positions(request, book)
        names = ()
    elif verb == "limits":
        limits = checked_limits(request.limits)
        _try_limits(names, limits, book, rules)
    return Command(
        request_id=request.request_id, verb=verb, who=request.who, why=request.why, place=place,
        strategies=names, positions=positions, limits=limits,
    )  # fmt: skip


def checked_limits(given: dict[str, Limit]) -> dict[str, Limit]:
    """The limits as the configuration spells them. CommandRefused names the first that cannot be."""
    unknown = sorted(given.keys() - set(LIMITS))
    if unknown:
        raise CommandRefused(f"{', '.join(unknown)} cannot be changed while running. Limits are: {', '.join(LIMITS)}.")
    try:
        rules = StrategyRules.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise CommandRefused(f"{first['loc'][0]} {first['input']!r}: {first['msg']}.") from error
    plain: dict[str, Any] = {key: getattr(rules, key) for key in given}
    return {key: value if isinstance(value, int | float | None) else str(value) for key, value in plain.items()}


def _strategies(wanted: str | None, known: Collection[str]) -> tuple[str, ...]:
    if wanted is None:
        return tuple(sorted(known))
    if wanted not in known:
        raise CommandRefused(f"there is no enabled strategy {wanted}. Enabled: {', '.join(sorted(known)) or 'none'}.")
    return (wanted,)


def _positions(request: Request, book: Book) -> tuple[str, ...]:
    found = tuple(
        position.position_id
        for position in book.positions.values()
        if request.strategy in (None, position.strategy) and request.position in (None, position.position_id)
    )
    if request.position is not None and not found:
        raise CommandRefused(f"position {request.position} is not open. Open: {', '.join(book.positions) or 'none'}.")
    return found


def _try_limits(names: tuple[str, ...], limits: dict[str, Limit], book: Book, rules: RuleBook) -> None:
    wanted = {name: {**book.limits.get(name, {}), **limits} for name in names}
    try:
        changed = with_limits(rules, wanted)
    except msgspec.ValidationError as error:
        raise CommandRefused(f"the limits cannot be: {error}. A limit that cannot be off must have a value.") from error
    for name in names:
        for exchange in rules.defaults:
            given = changed.rules_for(name, exchange)
            if given.sizing == "stop_risk" and not given.stop_loss:
                raise CommandRefused(f"{name} sizes by its stop_loss: it needs one above 0.")
