"""What the venue does wrong on demand, seen by a raw client."""

from __future__ import annotations

import asyncio
import json
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from test_wire import SLOW, Raw, asked
from venue_lab import serving

from trading_core.model import HOUR_MS
from trading_core.testing import eventually
from venue_sim import truth
from venue_sim.faults import Fault
from venue_sim.schedule import CHOICES, PAUSE_S, by_chance

FAST = 3_000.0


async def inject(address: str, **fault: Any) -> int:
    async with aiohttp.ClientSession() as session, session.post(f"http://{address}/control/faults", json=fault) as got:
        return got.status


async def active(address: str) -> list[str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/control/faults") as got:
        return [fault["kind"] for fault in await got.json()]


async def heal(address: str) -> None:
    async with aiohttp.ClientSession() as session, session.delete(f"http://{address}/control/faults") as got:
        assert got.status == 200


async def text_of(raw: Raw) -> str:
    """The next frame; TimeoutError when none comes."""
    return str((await asyncio.wait_for(raw.socket.receive(), 60)).data)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [
        ("rest_429", 429, "null"),
        ("rest_null", 200, "null"),
        ("rest_500", 500, '{"error":"internal"}'),
        ("rest_502", 502, "<html>"),
    ],
)
async def test_rest_answers_wrongly_for_one_kind_of_request(kind: str, status: int, text: str) -> None:
    async with serving(speed=SLOW) as (address, _):
        assert await inject(address, kind=kind, request="meta", for_s=60) == 200
        found, body = await asked(address, {"type": "meta"})
        assert found == status
        assert body.startswith(text)
        assert (await asked(address, {"type": "spotMeta"}))[0] == 200
        await heal(address)
        assert (await asked(address, {"type": "meta"}))[1].startswith('{"universe"')


async def test_a_truncated_answer_is_no_json() -> None:
    async with serving(speed=SLOW) as (address, _):
        await inject(address, kind="rest_truncated", for_s=60)
        status, body = await asked(address, {"type": "meta"})
        assert status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(body)


async def test_a_stall_is_silent_while_pings_are_answered(tmp_path: Path) -> None:
    async with serving(tmp_path / "truth", speed=FAST) as (address, venue), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="trades", coin="BTC")
        await raw.next_of("trades")
        await inject(address, kind="stall", for_s=60)
        before = venue.p
        await eventually(lambda: venue.p > before + 5)
        await raw.socket.send_str('{"method":"ping"}')
        frames = [await raw.next()]
        while frames[-1]["channel"] != "pong":
            frames.append(await raw.next())
        times = [frame["data"][-1]["time"] for frame in frames if frame["channel"] == "trades"]
        assert all(time_ms <= venue.market.time_ms(before) for time_ms in times), "only what was on its way"
        await heal(address)
        assert (await raw.next_of("trades"))["data"]
        venue.save()
        noted = [json.loads(line)["id"] for line in (tmp_path / "truth").read_text().splitlines()]
        assert [id for id in noted if id.startswith("fault:")] == ["fault:stall:begins", "fault:stall:ends"]


@pytest.mark.parametrize("code", [1000, 1001, 1006])
async def test_sockets_end_with_the_code_asked_for(code: int) -> None:
    async with serving(speed=SLOW) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="trades", coin="BTC")
        await raw.next_of("trades")
        await inject(address, kind="close", code=code)
        assert await raw.ends() == code


async def test_half_open_answers_nothing_at_all() -> None:
    async with serving(speed=SLOW) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await inject(address, kind="half_open", for_s=60)
        await raw.socket.send_str('{"method":"ping"}')
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(raw.socket.receive(), 0.5)
        await heal(address)
        await raw.socket.send_str('{"method":"ping"}')
        assert (await raw.next())["channel"] == "pong"


async def test_a_refusing_venue_lets_nobody_in() -> None:
    async with serving(speed=SLOW) as (address, _), aiohttp.ClientSession() as session:
        await inject(address, kind="refuse", for_s=0.5)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(f"http://{address}/ws")

        async def healed() -> bool:
            return await active(address) == []

        await eventually(healed)
        assert not (await session.ws_connect(f"http://{address}/ws")).closed


async def test_frames_come_twice() -> None:
    async with serving(speed=FAST) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="trades", coin="BTC")
        await raw.next_of("trades")
        await inject(address, kind="duplicate", for_s=60)
        seen = [(await raw.next_of("trades"))["data"][0]["tid"] for _ in range(12)]
        assert len(set(seen)) < len(seen)


async def test_frames_come_out_of_order() -> None:
    async with serving(speed=FAST) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="trades", coin="BTC")
        await raw.next_of("trades")
        await inject(address, kind="out_of_order", channel="trades", for_s=60)
        times = [(await raw.next_of("trades"))["data"][0]["time"] for _ in range(12)]
        assert times != sorted(times)
        assert len(set(times)) == len(times), "nothing is lost and nothing comes twice"


async def test_late_frames_keep_their_order_and_come_behind_newer_clock_frames() -> None:
    async with serving(speed=FAST) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="clock")
        await raw.subscribe(type="trades", coin="BTC")
        await raw.next_of("trades")
        await inject(address, kind="late", channel="trades", behind=2, for_s=60)
        clock_ms, times, late = 0, [], 0
        while late < 5:
            frame = await raw.next()
            if frame["channel"] == "clock":
                clock_ms = frame["data"]["time"]
            elif frame["channel"] == "trades":
                times.append(frame["data"][0]["time"])
                late += clock_ms > times[-1]
        await heal(address)
        times += [(await raw.next_of("trades"))["data"][0]["time"] for _ in range(5)]
        assert times == sorted(set(times)), "nothing is lost, also not what was held back at the end"


async def test_the_clock_goes_wrong_and_right_again_while_events_keep_their_times(tmp_path: Path) -> None:
    async with serving(tmp_path / "truth", speed=FAST) as (address, venue), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="clock")
        await raw.subscribe(type="trades", coin="BTC")
        await raw.subscribe(type="activeAssetCtx", coin="BTC")

        async def ahead_ms() -> int:
            """Of the clock frame before a live trade; on time it has the trade's own time."""
            clock_ms = 0
            while True:
                frame = await raw.next()
                if frame["channel"] == "clock":
                    clock_ms = frame["data"]["time"]
                elif frame["channel"] == "trades" and len(frame["data"]) == 1:
                    return int(clock_ms - frame["data"][0]["time"])

        assert await ahead_ms() == 0
        await inject(address, kind="clock_offset", offset_ms=7_000, for_s=60)
        while await ahead_ms() != 7_000:
            pass
        await heal(address)
        while await ahead_ms() != 0:
            pass
        venue.save()
        lines = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
        # A context has no time but the clock's, so its events carry what the clock said: 7 s after prints at 0, 20, …
        # or 59.5 s, whichever of them fell into the fault.
        offsets = {line["time"] % 20_000 for line in lines if line["channel"] == "activeAssetCtx"}
        assert offsets & {6_500, 7_000}
        trades = {line["time"] % 20_000 for line in lines if line["channel"] == "trades"}
        assert trades <= {0, 19_500}


async def test_the_truth_log_knows_which_quotes_had_one_side_and_when_rates_were_settled(tmp_path: Path) -> None:
    async with serving(tmp_path / "truth", speed=FAST) as (address, venue), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="bbo", coin="BTC")
        await inject(address, kind="empty_sides", for_s=60)
        while (quote := (await raw.next_of("bbo"))["data"])["bbo"][0] is not None:
            pass
        await eventually(lambda: venue.p > 1_621 * 4)
        venue.save()
        lines = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
        assert truth.bbo_id(quote) in {line["id"] for line in lines}
        fault = next(line for line in lines if line["channel"] == "fault")
        assert (fault["id"], fault["fault"]["for_s"]) == ("fault:empty_sides:begins", 60.0)
        # Of SOL each hour has its rate: minutes 1,560 (26 h) and 1,620 are full hours of the sample.
        rates = [line["time"] for line in lines if line["channel"] == "funding" and line["coin"] == "SOL"]
        first_ms = venue.market.first_ms
        assert [(time_ms - first_ms) / HOUR_MS for time_ms in rates] == [26, 27]


def test_chance_follows_from_the_seed() -> None:
    first, again, other = ([*islice(by_chance(seed), 200)] for seed in (7, 7, 8))
    assert first == again != other
    assert {fault.kind for _, fault in first} == {kind for kind, _ in CHOICES}
    assert all(PAUSE_S[0] <= pause_s <= PAUSE_S[1] for pause_s, _ in first)


async def test_a_schedule_does_one_fault_after_the_other(tmp_path: Path) -> None:
    async with serving(tmp_path / "truth", speed=SLOW) as (_, venue):
        faults = [Fault(kind="stall", for_s=0.1), Fault(kind="duplicate", for_s=0.1, coin="ETH")]
        await venue.misbehave((0.0, fault) for fault in faults)
        await eventually(lambda: venue.faults.active() == [])
        venue.save()
        noted = [json.loads(line) for line in (tmp_path / "truth").read_text().splitlines()]
        ids = [line["id"] for line in noted if line["channel"] == "fault"]
        assert ids.index("fault:stall:begins") < ids.index("fault:duplicate:begins")
        assert {one.rsplit(":", 1)[-1] for one in ids} == {"begins", "ends"}
        assert len(ids) == 4


async def test_oversize_unknown_malformed_and_one_sided_frames() -> None:
    async with serving(speed=FAST) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws", max_msg_size=0))
        await raw.subscribe(type="bbo", coin="BTC")
        await raw.next_of("bbo")
        await inject(address, kind="empty_sides", for_s=60)
        while (await raw.next_of("bbo"))["data"]["bbo"][0] is not None:
            pass
        await heal(address)
        await inject(address, kind="unknown_event", for_s=60)
        assert (await raw.next_of("newThing"))["data"] == {"coin": "BTC"}
        await heal(address)
        await inject(address, kind="oversize", for_s=60)
        while len(await text_of(raw)) < 1_000_000:
            pass
        await heal(address)
        await inject(address, kind="malformed", for_s=60)
        while is_json(await text_of(raw)):
            pass


async def test_a_delisted_coin_is_marked_and_ends_the_socket() -> None:
    async with serving(speed=SLOW) as (address, _), aiohttp.ClientSession() as session:
        raw = Raw(await session.ws_connect(f"http://{address}/ws"))
        await raw.subscribe(type="trades", coin="SOL")
        await raw.next_of("trades")
        await inject(address, kind="delisted", coin="SOL", for_s=60)
        assert await raw.ends() == 1006
        universe = json.loads((await asked(address, {"type": "meta"}))[1])["universe"]
        assert [coin["name"] for coin in universe if coin.get("isDelisted")] == ["SOL"]
        again = Raw(await session.ws_connect(f"http://{address}/ws"))
        await again.subscribe(type="trades", coin="SOL")
        assert await again.ends() == 1006


async def test_a_burst_is_the_same_events_faster() -> None:
    async with serving(speed=20.0) as (address, venue):
        await inject(address, kind="speed", factor=100.0, for_s=60)
        assert venue.speed == 2_000.0
        before = venue.p
        await eventually(lambda: venue.p > before + 40)
        await heal(address)
        assert venue.speed == 20.0


async def test_an_unknown_fault_is_refused_with_the_reason() -> None:
    async with serving(speed=SLOW) as (address, _):
        assert await inject(address, kind="earthquake") == 422
        assert await inject(address, kind="stall", for_s=0) == 422
        assert await active(address) == []
