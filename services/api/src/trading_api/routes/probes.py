"""For machines: is the process alive, can it answer, what does it count. And the page of the API's own docs."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from trading_api.context import Ctx
from trading_api.database import DatabaseAway, QueryTooSlow
from trading_api.schemas import Probe

router = APIRouter(tags=["probes"])


@router.get("/healthz")
async def alive() -> Probe:
    """The process answers."""
    return Probe(status="ok")


@router.get("/readyz", responses={503: {"model": Probe}})
async def ready(context: Ctx, response: Response) -> Probe:
    """Database and message bus are connected."""
    try:
        await context.database.fetchrow("SELECT 1")
    except (DatabaseAway, QueryTooSlow) as error:
        response.status_code = 503
        return Probe(status="waiting", detail=f"database: {error}")
    if not context.pulse.bus_connected:
        response.status_code = 503
        return Probe(status="waiting", detail="message bus: not connected")
    return Probe(status="ok")


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
