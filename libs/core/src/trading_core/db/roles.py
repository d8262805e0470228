"""Logins of the services: one PostgreSQL role each, with the rights that the migrations grant."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

# Service -> role. The simulator and the collector need no database.
ROLE_OF_SERVICE = {
    "recorder": "recorder",
    "strategy-runner": "runner_ro",
    "paper-broker": "broker",
    "api": "api_ro",
}
LOGIN_ROLES = ("recorder", "broker", "runner_ro", "api_ro", "research", "maintenance", "grafana_ro", "backup")


async def set_passwords(url: str, passwords: Mapping[str, str]) -> None:
    """Lets each role of `passwords` log in with its password. `url` must be a superuser's."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for role, password in passwords.items():
            statement = await connection.fetchval(
                "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", role, password
            )
            await connection.execute(statement)
    finally:
        await connection.close()


def url_for(url: str, role: str, password: str | None) -> str:
    """`url` with another user and password."""
    parts = urlsplit(url)
    login = role if password is None else f"{role}:{quote(password, safe='')}"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{login}@{host}"))
