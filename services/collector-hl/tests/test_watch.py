from __future__ import annotations

from collector_hl.watch import BUSY_FRAMES, Watch
from trading_core.config import SilenceConfig

T0 = 1_787_195_040_000


class Watched(Watch):
    """Looked at every second, as a service does; venue time goes with the monotonic one unless stated."""

    def __init__(self) -> None:
        super().__init__(SilenceConfig(ctx_s=8, book_s=8, bbo_s=60, candle_s=90, trades_s=120, busy_s=8))
        self.now_s = 0
        for channel in ("trades", "candle", "bbo", "l2Book", "activeAssetCtx"):
            self.begin("BTC", channel, 0.0, T0)

    def until(self, second: int, speed: float = 1.0) -> set[str]:
        found: set[tuple[str, str]] = set()
        while self.now_s < second:
            self.now_s += 1
            found = self.silent(self.now_s, T0 + int(self.now_s * 1000 * speed))
        return {channel for _, channel in found}


def test_each_channel_has_its_own_limit() -> None:
    watch = Watched()
    assert watch.until(8) == set()
    assert watch.until(9) == {"l2Book", "activeAssetCtx"}
    assert watch.until(61) == {"l2Book", "activeAssetCtx", "bbo"}
    assert watch.until(91) == {"l2Book", "activeAssetCtx", "bbo", "candle"}
    assert watch.until(121) == {"l2Book", "activeAssetCtx", "bbo", "candle", "trades"}


def test_a_frame_begins_the_limit_anew() -> None:
    watch = Watched()
    watch.until(8)
    watch.hear("BTC", "activeAssetCtx", 8.0, T0 + 8_000)
    assert watch.until(9) == {"l2Book"}


def test_a_resting_channel_is_sure_up_to_what_others_brought_and_a_silent_one_to_its_own_newest_frame() -> None:
    for rested_s, channel, sure_ms in (
        (30, "bbo", 30_000 - 1_500),  # within its limit of 60 s
        (61, "bbo", 0),  # silent
        (4, "bbo", 0),  # just now: it may have fallen silent with what follows
        (30, "l2Book", 0),  # would have been repeated
    ):
        watch = Watched()
        watch.hear("BTC", channel, 0.0, T0)
        watch.hear("BTC", "trades", float(rested_s), T0 + rested_s * 1000)
        assert watch.sure_ms("BTC", channel, 1_500) == T0 + sure_ms


def test_a_busy_channel_is_sure_up_to_its_own_newest_frame() -> None:
    watch = Watched()
    for k in range(BUSY_FRAMES):
        watch.hear("BTC", "bbo", k * 0.1, T0 + k * 100)
    watch.hear("BTC", "trades", 16.9, T0 + 16_900)
    assert watch.sure_ms("BTC", "bbo", 1_500) == T0 + 9_900


def test_in_a_venue_time_that_stands_still_nothing_can_be_expected_to_happen() -> None:
    assert Watched().until(200, speed=0.0) == {"l2Book", "activeAssetCtx"}


def test_a_fast_venue_time_makes_nobody_silent() -> None:
    assert Watched().until(8, speed=3_000.0) == set()


def test_on_a_busy_channel_a_short_silence_is_one() -> None:
    for step_s, silent in ((0.2, {"trades"}), (0.4, set())):
        watch = Watched()
        for k in range(BUSY_FRAMES):
            watch.hear("BTC", "trades", k * step_s, T0 + int(k * step_s * 1000))
        # A hundred frames 0.2 s apart take 19.8 s: busy; 0.4 s apart they take 39.6 s.
        end_s = int((BUSY_FRAMES - 1) * step_s) + 1
        watch.until(end_s)
        assert watch.until(end_s + 9) & {"trades"} == silent


def test_a_pause_of_this_process_is_no_silence_of_the_venue() -> None:
    watch = Watched()
    watch.until(5)
    watch.now_s += 30
    assert watch.until(37) == set()
    # Five seconds before the pause, and from its end on.
    assert watch.until(40) == {"l2Book", "activeAssetCtx"}


def test_without_a_socket_nobody_is_silent() -> None:
    watch = Watched()
    watch.end()
    assert watch.until(300) == set()


def test_a_subscription_made_before_the_venue_time_is_known_counts_from_there() -> None:
    watch = Watch(SilenceConfig())
    watch.begin("BTC", "bbo", 0.0, 0)
    watch.clock_known(T0)
    assert watch.silent(61.0, T0 + 60_000) == set()
