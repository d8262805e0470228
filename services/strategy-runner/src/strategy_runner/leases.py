"""Who evaluates which asset: leases in a stream, each a message that its holder keeps from expiring.

A lease saves work; it does not make signals unique, which their ids do. Each runner also keeps a message that it is
there, so that all know how many share the assets: nobody holds more than its share, and nobody lets go for nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import structlog
from nats import errors
from nats.aio.msg import Msg

from trading_core.bus.connection import ACK_TIMEOUT_S, RETRIED, Bus
from trading_core.streams import LEASE, lease_subject, lease_subjects

TTL_S = 4
RENEW_S = 1.0
KIND = "runner"
_PINNED = "pinned-"
_WRONG_LAST_SEQUENCE = 10071
_log = structlog.get_logger("strategy_runner")


class Leases:
    """The leases of one runner. Call `turn` every RENEW_S; `held` changes there only."""

    def __init__(self, bus: Bus, name: str, assets: Sequence[str], pinned: Sequence[str] = ()) -> None:
        """name: of this runner, not shared with a live one. Who returns under its name has its own leases at once.

        pinned: assets that it evaluates in any case and takes from those that only share.
        """
        self._bus = bus
        self._name = f"{_PINNED}{name}" if pinned else name
        self._assets = tuple(assets)
        self._pinned = tuple(pinned)
        self._sequences: dict[str, int] = {}
        self._returns = True

    @property
    def held(self) -> tuple[str, ...]:
        """Assets to evaluate. While the server is away nothing is lost: nobody else can have taken it."""
        return tuple(asset for asset in self._assets if asset in self._sequences or asset in self._pinned)

    async def turn(self) -> None:
        """Renew what is held, take what is free, give back what is too much. A server that is away is waited for.

        ConfigError when the server denies this user what a runner must be allowed.
        """
        try:
            if self._pinned:
                await self._keep(self._pinned)
            else:
                await self._write(self._present, TTL_S, self._name)
                share = math.ceil(len(self._assets) / max(1, await self._runners()))
                await self._keep(self._assets, share)
            self._returns = False
        except RETRIED as error:
            _log.warning("leases_unreachable", error=str(error) or type(error).__name__)

    async def release(self) -> None:
        """At the end: others need not wait until they expire."""
        for asset in list(self._sequences):
            await self._give_back(asset)
        if not self._pinned:
            await self._write(self._present, 1, "")

    @property
    def _present(self) -> str:
        return lease_subject(f"{KIND}-present", self._name)

    async def _keep(self, wanted: Sequence[str], share: int | None = None) -> None:
        for asset in list(self._sequences):
            await self._renew(asset)
        for asset in sorted(self._sequences)[share:] if share is not None else ():
            await self._give_back(asset)
        for asset in wanted:
            if asset not in self._sequences and (share is None or len(self._sequences) < share):
                await self._take(asset)

    async def _runners(self) -> int:
        """How many share the assets."""
        body = json.dumps({"subjects_filter": lease_subjects(f"{KIND}-present")}).encode()
        reply = await self._request(f"$JS.API.STREAM.INFO.{LEASE.name}", body)
        return len(json.loads(reply.data).get("state", {}).get("subjects") or {})

    async def _renew(self, asset: str) -> None:
        sequence = await self._write(lease_subject(KIND, asset), TTL_S, self._name, self._sequences[asset])
        if sequence is not None:
            self._sequences[asset] = sequence
            return
        del self._sequences[asset]
        await self._take(asset)  # it may just have expired while the server was away
        if asset not in self._sequences:
            _log.warning("lease_lost", asset=asset)

    async def _take(self, asset: str) -> None:
        subject = lease_subject(KIND, asset)
        last = await self._bus.last(LEASE, subject)
        holder = "" if last is None else last.data.decode()
        mine_before = holder == self._name and self._returns
        taken_by_pin = bool(self._pinned) and not holder.startswith(_PINNED)
        if holder and not mine_before and not taken_by_pin:
            return
        sequence = await self._write(subject, TTL_S, self._name, 0 if last is None else last.sequence)
        if sequence is not None:
            self._sequences[asset] = sequence
            _log.info("lease_taken", asset=asset)

    async def _give_back(self, asset: str) -> None:
        """An empty lease is free, and gone after a second."""
        await self._write(lease_subject(KIND, asset), 1, "", self._sequences.pop(asset))
        _log.info("lease_given_back", asset=asset)

    async def _write(self, subject: str, ttl_s: int, holder: str, expected: int | None = None) -> int | None:
        """Sequence of the stored message; None when somebody else has written since `expected`."""
        headers = {"Nats-TTL": f"{ttl_s}s"}
        if expected is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expected)
        reply = await self._request(subject, holder.encode(), headers)
        answer = json.loads(reply.data)
        problem = answer.get("error")
        if problem is None:
            return int(answer["seq"])
        if problem.get("err_code") == _WRONG_LAST_SEQUENCE:
            return None
        raise errors.TimeoutError(f"{subject}: {problem.get('description')}")

    async def _request(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> Msg:
        try:
            return await self._bus.nc.request(subject, body, timeout=ACK_TIMEOUT_S, headers=headers)
        except RETRIED:
            self._bus.raise_if_denied(subject)  # what is denied is never answered: waiting for it would be for ever
            raise
