"""Which addresses of a venue do not answer, in sentences that name the setting to look at."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator

from websockets.exceptions import InvalidStatus

from trading_core.config_problems import ENV_PREFIX
from trading_core.errors import one_line
from trading_core.runtime import Health

LATE_S = 5.0
"""One that has answered before is reported only after failing so long: mostly the next try works."""


class Reach:
    """Told by whoever asks a venue. What changes goes out with a heartbeat at once."""

    def __init__(self, health: Health, now_s: Callable[[], float] = time.monotonic) -> None:
        self._health = health
        self._now_s = now_s
        self._failing: dict[str, tuple[float, str]] = {}
        """Setting -> since when, and what to say."""
        self._known: set[str] = set()
        """Settings whose address has answered in this process."""
        self._told: list[str] = []

    def failed(self, setting: str, url: str, why: str) -> None:
        """`setting` is a key of config.yaml: `exchanges.hyperliquid.base_url`; `url` its value."""
        since_s, _ = self._failing.get(setting, (self._now_s(), ""))
        variable = ENV_PREFIX + setting.replace(".", "__").upper()
        said = (
            f"{setting} cannot be reached: {url}, {why}. It is tried again by itself. Check the network, "
            f"or set {variable}."
        )
        self._failing[setting] = (since_s, said)
        self._tell()

    def answered(self, setting: str) -> None:
        self._failing.pop(setting, None)
        self._known.add(setting)
        self._tell()

    @property
    def trouble(self) -> list[str]:
        """One sentence per address that is away."""
        now_s = self._now_s()
        return [
            said
            for setting, (since_s, said) in sorted(self._failing.items())
            if setting not in self._known or now_s - since_s >= LATE_S
        ]

    def _tell(self) -> None:
        trouble = self.trouble
        if trouble != self._told:
            self._told = trouble
            self._health.status = "degraded" if trouble else "ok"
            self._health.detail = {**self._health.detail, "trouble": trouble}
            self._health.tell()


def reason(error: BaseException) -> str:
    """Why no connection came about, for people; clients wrap the cause in errors of their own."""
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return "its name cannot be resolved"
            case ConnectionRefusedError():
                return "the connection is refused, so nothing listens there"
            case ssl.SSLCertVerificationError():
                return f"its TLS certificate is not accepted ({cause.verify_message})"
            case ssl.SSLError():
                return f"TLS fails ({cause.reason or one_line(cause)})"
            case InvalidStatus():
                return f"it answers with status {cause.response.status_code}"
            case TimeoutError():
                return "it does not answer in time"
    return one_line(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        if isinstance(current, BaseExceptionGroup):  # one address per protocol was tried
            yield from (cause for each in current.exceptions for cause in _causes(each))
        current = current.__cause__ or current.__context__
