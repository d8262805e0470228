"""What every request needs, built once by the service and hung on the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from trading_api.database import Database
from trading_api.figures import Figures
from trading_api.ledgers import Ledgers
from trading_api.live.hub import Hub
from trading_api.live.marks import Marks
from trading_api.live.portfolio import Portfolio
from trading_api.live.pulse import Pulse
from trading_api.queries import ledger
from trading_core.bus.connection import Bus
from trading_core.config import Settings


@dataclass
class Context:
    settings: Settings
    database: Database
    marks: Marks = field(default_factory=Marks)
    pulse: Pulse = field(default_factory=Pulse)
    hub: Hub = field(default_factory=Hub)
    portfolio: Portfolio = field(init=False)
    figures: Figures = field(init=False)
    ledgers: Ledgers = field(init=False)
    bus: Bus | None = None
    """What requests to the broker go through; None until the server is there."""
    changes: int = 0
    """Counts up before browsers hear that the ledger has changed."""
    _made_up: str | None = None

    def __post_init__(self) -> None:
        self.ledgers = Ledgers(self.database, self.settings)
        broker = self.settings.broker
        self.portfolio = Portfolio(
            self.database, self.marks, self.ledgers, broker.initial_capital, broker.funding_interval_h
        )
        self.figures = Figures(self.database, self.portfolio, self.settings.metrics.annualisation_days)

    async def notice(self) -> str:
        """What every page says about the data: that it was made up, if the database says so; else as configured."""
        if self._made_up is None:
            row = await self.database.fetchrow(ledger.MADE_UP)
            self._made_up = "" if row is None else str(row["notice"])
        return self._made_up or self.settings.api.data_notice


def of(connection: HTTPConnection) -> Context:
    context = connection.app.state.context
    assert isinstance(context, Context)
    return context


async def _given(connection: HTTPConnection) -> Context:
    """Asynchronous, though it waits for nothing: any other dependency costs each request a turn in a thread."""
    return of(connection)


Ctx = Annotated[Context, Depends(_given)]
