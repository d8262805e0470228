"""What a service says of itself over HTTP: `/metrics`, `/healthz` (it lives) and `/readyz` (it does its work)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import prometheus_client

from trading_core.errors import ConfigError

READY = frozenset({"ok", "standby"})
"""One that stands by is healthy: another instance does the work."""
Report = Callable[[], dict[str, object]]
"""`status` and whatever explains it; called in another thread."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """A scrape every few seconds is no news."""


def serve(host: str, port: int, report: Report) -> None:
    """Answers in a thread of its own until the process ends. ConfigError when the port is taken."""
    metrics = prometheus_client.make_wsgi_app()

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case "/metrics":
                exposition: Iterable[bytes] = metrics(environ, start)
                return exposition
            case "/healthz":
                return _json(start, HTTPStatus.OK, {"status": "ok"})
            case "/readyz":
                said = report()
                ready = said["status"] in READY
                return _json(start, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, said)
            case _:
                return _json(start, HTTPStatus.NOT_FOUND, {"status": "try /metrics, /healthz or /readyz"})

    try:
        server = make_server(host, port, answer, _Server, _Quiet)
    except OSError as error:
        raise ConfigError(
            f"TRADING_METRICS_PORT: {host}:{port} cannot be used ({error.strerror}). Choose another port."
        ) from error
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()


def _json(start: StartResponse, status: HTTPStatus, body: dict[str, object]) -> Iterable[bytes]:
    text = json.dumps(body, default=str).encode()
    start(f"{status.value} {status.phrase}", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
