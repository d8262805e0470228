"""The users of the bus: which subjects each may publish to and subscribe to. Whatever is not listed is denied."""

from __future__ import annotations

from dataclasses import dataclass

from trading_core import streams
from trading_core.bus.subjects import inbox_prefix
from trading_core.streams import StreamSpec

_API = "$JS.API"
PROVISION = "provision"
_BACKUP = "backup"
_DURABLES = tuple(f"{spec.stream.name}.{spec.name}" for spec in streams.DURABLES)


@dataclass(frozen=True)
class User:
    """`name` is that of the service. Subjects may have wildcards."""

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...] = ()
    answers: bool = False
    """May also publish to where a request that it has received asks for the reply."""

    binds: tuple[str, ...] = ()
    """Names of the durables that it reads."""

    @property
    def denied(self) -> tuple[str, ...]:
        """Of what `publish` allows: durables are made by `provision` alone, and read by whoever binds them."""
        if self.name == PROVISION:
            return ()
        made = [f"{_API}.CONSUMER.{verb}.{durable}" for durable in _DURABLES for verb in ("CREATE", "DELETE")]
        made += [f"{_API}.CONSUMER.CREATE.{durable}.>" for durable in _DURABLES]
        foreign = [durable for durable in _DURABLES if durable.rpartition(".")[2] not in self.binds]
        return (*made, *(f"{_API}.CONSUMER.MSG.NEXT.{durable}" for durable in foreign))

    @property
    def all_subscriptions(self) -> tuple[str, ...]:
        """With its own replies, which nobody else may read."""
        return (f"{inbox_prefix(self.name)}.>", *self.subscribe)


def _own(service: str) -> tuple[str, ...]:
    """What every service says about itself."""
    return (f"heartbeat.{service}.>", f"ops.{service}.>")


def _reads(*stores: StreamSpec) -> tuple[str, ...]:
    """Ephemeral consumers, and single messages where the stream gives them directly."""
    verbs = ("CREATE", "MSG.NEXT", "INFO", "DELETE")
    consumers = [f"{_API}.CONSUMER.{verb}.{store.name}.>" for store in stores for verb in verbs]
    direct = [f"{_API}.DIRECT.GET.{store.name}" for store in stores if store.allow_direct]
    return (*consumers, *direct, *(f"{subject}.>" for subject in direct))


def _looks_into(*stores: StreamSpec) -> tuple[str, ...]:
    """For people and their commands: also single messages of every stream, states, and the list of streams."""
    states = (f"{_API}.INFO", f"{_API}.STREAM.NAMES", f"{_API}.STREAM.LIST")
    each = [f"{_API}.STREAM.MSG.GET.{store.name}" for store in stores]
    each += [f"{_API}.STREAM.INFO.{store.name}" for store in streams.ALL]
    lists = [f"{_API}.CONSUMER.{verb}.{store.name}" for store in streams.ALL for verb in ("NAMES", "LIST")]
    return (*_reads(*stores), *states, *each, *lists)


def _acks(store: StreamSpec, durable: str) -> tuple[str, ...]:
    """Both forms of acknowledgement subjects: servers announce the longer one, and still send the short."""
    return (f"$JS.ACK.{store.name}.{durable}.>", f"$JS.ACK.*.*.{store.name}.{durable}.>")


def _binds(store: StreamSpec, durable: str) -> tuple[str, ...]:
    verbs = ("MSG.NEXT", "INFO", "RESET")
    return (*(f"{_API}.CONSUMER.{verb}.{store.name}.{durable}" for verb in verbs), *_acks(store, durable))


def _collector(service: str, exchange: str) -> User:
    """Its own subjects; after a restart it reads where it was, and which gaps were open."""
    own = (f"market.{exchange}.>", f"book.{exchange}.>", f"live.{exchange}.>", streams.venue_dlq_subject(exchange))
    return User(service, (*own, *_reads(streams.MARKET, streams.BOOK), *_own(service)))


def _all() -> tuple[User, ...]:
    market, book, signals, execs = streams.MARKET, streams.BOOK, streams.SIGNALS, streams.EXEC
    # Of a shard, and that a runner is there to take one.
    lease, leases = streams.LEASE.name, ("lease.runner.>", "lease.runner-present.>")
    runner, broker, recorder, api = "strategy-runner", "paper-broker", "recorder", "api"
    everything = (*streams.REPLAYED, streams.OPS, streams.HEALTH, streams.DLQ, streams.REPLAY)
    taps = ("market.>", "book.>", "signal.>", "grid.>", "exec.>", "ops.>", "heartbeat.>", "live.>", "replay.>")
    return (
        _collector("collector-hl", "hyperliquid"),
        _collector("collector-pm", "polymarket"),
        User(
            runner,
            (
                *("signal.>", "grid.>", *leases),
                *_reads(market, book),
                f"{_API}.DIRECT.GET.{signals.name}.>",
                *(f"{_API}.DIRECT.GET.{lease}.{subject}" for subject in leases),
                f"{_API}.STREAM.INFO.{lease}",
                *_own(runner),
            ),
        ),
        User(
            broker,
            (
                *("exec.>", f"dlq.{signals.name}.>"),
                *_reads(market, book),
                *_binds(signals, streams.BROKER.name),
                *(f"{_API}.DIRECT.GET.{execs.name}", f"{_API}.DIRECT.GET.{execs.name}.>"),
                *_own(broker),
            ),
            subscribe=(f"ctl.{broker}.>",),
            answers=True,
            binds=(streams.BROKER.name,),
        ),
        User(
            recorder,
            (
                *(f"dlq.{spec.stream.name}.{spec.name}" for spec in streams.RECORDER),
                *(subject for spec in streams.RECORDER for subject in _binds(spec.stream, spec.name)),
                *(f"{_API}.STREAM.INFO.{spec.stream.name}" for spec in streams.RECORDER),
                *_reads(*streams.RECORDER_STREAMS),
                *_own(recorder),
            ),
            binds=(streams.RECORDER[0].name,),
        ),
        User(
            api,
            (
                "ctl.>",
                *_reads(market, signals, execs, streams.OPS, streams.HEALTH),
                *(f"{_API}.{verb}.{store.name}" for store in streams.ALL for verb in ("STREAM.INFO", "CONSUMER.LIST")),
                *_own(api),
            ),
            subscribe=("live.>",),
        ),
        # For people and their programs, whose replies go where the nats CLI expects them: reads, and changes nothing.
        User("tap", _looks_into(*everything), subscribe=("_INBOX.>", *taps)),
        # For the commands of the person who runs the platform: steers the broker, publishes the past again.
        User(
            "operator",
            ("ctl.>", "replay.>", f"{_API}.STREAM.PURGE.{streams.REPLAY.name}", *_looks_into(*everything)),
            subscribe=taps,
        ),
        # Takes snapshots, and reads nothing else.
        User(_BACKUP, (*(f"{_API}.STREAM.SNAPSHOT.{store.name}" for store in streams.BACKED_UP), "$JS.SNAPSHOT.>")),
        # Makes streams and durables, and restores them; also the supervisor's, who waits for heartbeats.
        User(PROVISION, (f"{_API}.>", "$JS.SNAPSHOT.>"), subscribe=streams.HEALTH.subjects),
    )


USERS: dict[str, User] = {user.name: user for user in _all()}
