"""What services say is wrong with them, for the person at the terminal: each sentence once, and its end."""

from __future__ import annotations

from collections.abc import Callable

from trading_core.messages import HeartbeatMessage


class Troubles:
    """`say` gets one line per piece of news."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._known: dict[str, list[str]] = {}
        """By service, what it said last."""

    def heard(self, beat: HeartbeatMessage) -> None:
        said = beat.detail.get("trouble")
        now = [str(sentence) for sentence in said] if isinstance(said, list) else []
        before = self._known.get(beat.service, [])
        self._known[beat.service] = now
        for sentence in now:
            if sentence not in before:
                self._say(f"{beat.service}: {sentence}")
        if before and not now:
            self._say(f"{beat.service}: all is well again")
