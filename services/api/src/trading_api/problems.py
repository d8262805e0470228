"""Errors as RFC 9457 problem documents: a sentence and an id, never a traceback. The id is in the log line."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from trading_api.database import DatabaseAway, QueryTooSlow
from trading_api.schemas import Problem

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Token missing or wrong",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "The broker refused",
    413: "Too much at once",
    421: "Wrong host",
    422: "Invalid request",
    429: "Too often",
    500: "Something broke on the server",
    503: "Not available right now",
}


def missing(description: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers with 404, for the document."""
    return {404: {"model": Problem, "description": description}}


def describe(responses: dict[str, Any]) -> None:
    """Corrects the media type of problem documents among an operation's described responses."""
    for response in responses.values():
        content = response.get("content", {})
        if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
            content[MEDIA_TYPE] = content.pop("application/json")


class Refused(Exception):
    """A request that is well formed and still cannot be answered; `detail` says what to change."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {"WWW-Authenticate": "Bearer"} if status == 401 else dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, *, error_id: str = "") -> Response:
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "id": error_id or secrets.token_hex(6),
    }
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def answer_to(error: Refused) -> Response:
    return problem(error.status, error.detail, error.headers)


def install(app: FastAPI) -> None:
    """Every way out of a request but success goes through here."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return answer_to(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, "; ".join(_sentence(part) for part in error.errors()))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        detail = f"there is nothing at {request.url.path}" if error.status_code == 404 else str(error.detail)
        return problem(error.status_code, detail, error.headers)

    @app.exception_handler(DatabaseAway)
    async def away(request: Request, error: DatabaseAway) -> Response:
        error_id = secrets.token_hex(6)
        log.warning("database_unavailable", path=request.url.path, error_id=error_id, reason=str(error))
        detail = "The database does not answer. The page tries again by itself; if this lasts, look at the database."
        return problem(503, detail, {"Retry-After": "2"}, error_id=error_id)

    @app.exception_handler(QueryTooSlow)
    async def slow(request: Request, _: QueryTooSlow) -> Response:
        error_id = secrets.token_hex(6)
        log.warning("query_timed_out", path=request.url.path, error_id=error_id)
        return problem(503, "The question took too long. Ask for a shorter span.", error_id=error_id)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        error_id = secrets.token_hex(6)
        log.error("request_failed", path=request.url.path, error_id=error_id, exc_info=error)
        return problem(500, f"This is a bug. The log has the reason under id {error_id}.", error_id=error_id)


def _sentence(part: Mapping[str, object]) -> str:
    place = part.get("loc")
    name = place[-1] if isinstance(place, (list, tuple)) and place else "request"
    return f"{name}: {part.get('msg', 'invalid')}"
