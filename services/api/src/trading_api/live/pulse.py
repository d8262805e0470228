"""Heartbeats heard on the bus: the health panel must not go dark because the recorder, which stores them, is down."""

from __future__ import annotations

from dataclasses import dataclass, field

from trading_core.messages import HeartbeatMessage


@dataclass
class Pulse:
    heard: dict[tuple[str, str], HeartbeatMessage] = field(default_factory=dict)
    bus_connected: bool = False

    def hear(self, beat: HeartbeatMessage) -> None:
        held = self.heard.get((beat.service, beat.instance))
        if held is None or beat.sent_time_ms >= held.sent_time_ms:
            self.heard[beat.service, beat.instance] = beat
