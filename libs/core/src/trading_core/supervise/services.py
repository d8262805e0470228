"""Which services there are and what each gets: its command, its database role, its settings."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from trading_core.access.secrets import CONTROL_TOKEN
from trading_core.config import load
from trading_core.db.roles import ROLE_OF_SERVICE, url_for
from trading_core.embedded.launch import Launch
from trading_core.supervise.folder import RunFolder

# In the order of the data's way. Each is `python -m <module>`.
MODULES = {
    "recorder": "recorder",
    "paper-broker": "paper_broker",
    "strategy-runner": "strategy_runner",
    "api": "trading_api",
    "collector-hl": "collector_hl",
    "collector-pm": "collector_pm",
}
PASSED_ON = (
    "TRADING_*",
    "RUNNER_ASSETS",
    "PYTHON*",
    "OMP_*",
    "NUMBA_*",
    "SSL_CERT_*",
    "*_proxy",
    "*_PROXY",
    "FAULTPOINTS",
)
"""Of the person's environment: settings, and how to reach the venues."""
LOGINS = ("TRADING_DATABASE__*", "TRADING_NATS__*", "TRADING_ROLE_PASSWORD_*")
"""Never passed on: each service has its own."""
TOKENS = ("TRADING_API__*_TOKEN*",)
START_MINUTE = 1560
BOOK_EVERY_MS = 5000
"""Of the recorded books: at 300 times real time 60 a second, and never older than a fill may use."""


@dataclass(frozen=True)
class Addresses:
    """Where everything listens, on loopback. Chosen once per start, so that a restarted process is found again."""

    nats_urls: Mapping[str, str]
    """By user: a service is one, and so are `provision`, `operator` and `tap`."""
    database_url: str
    page_host: str
    page_port: int
    venue_port: int

    @property
    def page(self) -> str:
        return f"http://{self.page_host}:{self.page_port}"

    @property
    def venue(self) -> str:
        return f"http://127.0.0.1:{self.venue_port}"


def demo_notice(speed: float) -> str:
    return (
        f"Recorded sample data replayed at {speed:g}× real time: candles from Binance perpetuals, funding from "
        "Hyperliquid and Binance; prints, quotes and marks are derived from recorded 1m candles, the depth behind the "
        "quotes is synthetic. Polymarket: BTC 5-minute books recorded on 2026-04-16, repeated; volume and liquidity "
        "are missing"
    )


def service_launch(
    name: str, addresses: Addresses, secrets: Mapping[str, str], *, demo_speed: float | None, metrics_port: int
) -> Launch:
    """How to start `name`. Settings of the person's own environment stay; addresses and logins are ours."""
    environment = {
        "TRADING_NATS__URL": addresses.nats_urls[name],
        "TRADING_INSTANCE": "1",
        "TRADING_METRICS_PORT": str(metrics_port),
        "PYTHONUNBUFFERED": "1",
    }
    if role := ROLE_OF_SERVICE.get(name):
        environment["TRADING_DATABASE__URL"] = url_for(addresses.database_url, role, secrets[role])
    else:
        environment["TRADING_DATABASE__URL"] = f"postgresql://none@{urlsplit(addresses.database_url).hostname}/none"
    if name == "api":
        environment["TRADING_API__HOST"] = addresses.page_host
        environment["TRADING_API__PORT"] = str(addresses.page_port)
        if load().api.control_token is None:
            environment["TRADING_API__CONTROL_TOKEN"] = secrets[CONTROL_TOKEN]
    if demo_speed is not None:
        environment["TRADING_EXCHANGES__HYPERLIQUID__BASE_URL"] = addresses.venue
        environment["TRADING_EXCHANGES__HYPERLIQUID__WS_URL"] = "null"
        environment["TRADING_EXCHANGES__HYPERLIQUID__SIMULATED_CLOCK"] = "true"
        environment |= _demo_polymarket(addresses)
        environment["TRADING_API__DATA_NOTICE"] = demo_notice(demo_speed)
    return _python(name, [MODULES[name]], environment)


def _demo_polymarket(addresses: Addresses) -> dict[str, str]:
    values = {
        "ENABLED": "true",
        "BASE_URL": f"{addresses.venue}/clob",
        "GAMMA_URL": f"{addresses.venue}/gamma",
        "WS_URL": addresses.venue.replace("http", "ws", 1) + "/clob/ws/market",
        "SIMULATED_CLOCK": "true",
        # Three seconds at 300 times real time, so that a busy machine is not late for a window.
        "SUBSCRIBE_AHEAD_S": "900",
    }
    return {f"TRADING_EXCHANGES__POLYMARKET__{key}": value for key, value in values.items()}


def archive_launch(folder: RunFolder, addresses: Addresses, secrets: Mapping[str, str]) -> Launch:
    """What keeps house in the database: it needs no bus, and nobody waits for it."""
    environment = _with_archive(folder, url_for(addresses.database_url, "maintenance", secrets["maintenance"]))
    return _python("archive", ["trading_core", "archive", "--daily"], environment)


def parity_launch(folder: RunFolder, addresses: Addresses, secrets: Mapping[str, str]) -> Launch:
    """What checks each day once it is over, be it in the archive by then: needs no bus, and nobody waits for it."""
    environment = _with_archive(folder, url_for(addresses.database_url, "research", secrets["research"]))
    return _python("parity", ["trading_core", "parity", "--nightly", "--loop"], environment)


def _with_archive(folder: RunFolder, database_url: str) -> dict[str, str]:
    """The environment of what works on the database and on what left it."""
    environment = {"TRADING_DATABASE__URL": database_url, "PYTHONUNBUFFERED": "1"}
    if load().archive.dir is None:
        environment["TRADING_ARCHIVE__DIR"] = str(folder.archive)
    return environment


def venue_launch(folder: RunFolder, addresses: Addresses, speed: float) -> Launch:
    """The simulator; its clock stands still until both collectors have subscribed, so that nothing is missed."""
    argv = ["venue_sim", "--port", str(addresses.venue_port), "--speed", f"{speed:g}", "--hold", "--hold-polymarket"]
    argv += [
        "--book-every-ms",
        str(BOOK_EVERY_MS),
        "--start-minute",
        str(START_MINUTE),
        "--state",
        str(folder.venue_clock),
    ]
    argv += ["--truth", str(folder.path / "truth.jsonl")]
    return _python("venue-sim", argv, {"PYTHONUNBUFFERED": "1"})


def _python(name: str, argv: list[str], environment: dict[str, str]) -> Launch:
    withheld = LOGINS if name == "api" else (*LOGINS, *TOKENS)
    return Launch(
        name, (sys.executable, "-m", *argv), signal.SIGTERM,
        environment=environment, inherits=PASSED_ON, withheld=withheld,
    )  # fmt: skip
