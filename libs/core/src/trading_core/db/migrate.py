"""Brings a database's schema to the newest revision."""

from __future__ import annotations

from pathlib import Path

from alembic import command, op
from alembic.config import Config

from trading_core.errors import ConfigError


def folder() -> Path:
    """Where the revisions are: beside the sources, else under the working directory (an installed package)."""
    for root in (Path(__file__).parents[5], Path.cwd()):
        if (root / "migrations" / "env.py").is_file():
            return root / "migrations"
    raise ConfigError("No migrations/ found. Run this in the folder of the repository.")


def alembic_config(url: str) -> Config:
    config = Config(folder() / "alembic.ini")
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Applies every missing revision. Starts an event loop of its own: in a coroutine use asyncio.to_thread."""
    command.upgrade(alembic_config(url), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Takes revisions back; the data of their tables is gone afterwards."""
    command.downgrade(alembic_config(url), revision)


def run_script(sql: str) -> None:
    """For revisions: several statements at once, in the revision's transaction.

    SQLAlchemy's asyncpg prepares each text, and a prepared text may hold one statement only.
    """
    bind = op.get_bind()
    bind.exec_driver_sql("SELECT 1")  # opens the transaction if this is its first statement
    connection = bind.connection.dbapi_connection
    assert connection is not None
    connection.run_async(lambda driver: driver.execute(sql))
