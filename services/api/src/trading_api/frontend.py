"""The built page, served beside the API; before it is built, a sentence that says how to."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from trading_api.problems import problem

DOCS = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="docs"></div><noscript>The document itself is at /api/openapi.json.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>"""
NOT_BUILT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Paper trading</title></head>
<body><main><h1>The page has not been built</h1>
<p>The API is running, but there is no page in <code>{folder}</code>.
Run <code>npm ci &amp;&amp; npm run build</code> in <code>frontend/</code>, then reload.</p>
<p>The API describes itself at <a href="/api/openapi.json">/api/openapi.json</a>.</p></main></body></html>"""
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Assets(StaticFiles):
    """Names under /assets carry a hash of their content, so a browser may keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = FOR_EVER
        return response


class PagePath(StringConvertor):
    """Any path but those of the API: what is missing there is for the API to say."""

    regex = r"(?!api(?:/|$)).*"


register_url_convertor("page", PagePath())


def install(app: FastAPI, folder: str) -> None:
    """Routes for everything that is not the API; to be called last."""
    root = Path(folder)
    index = root / "index.html"

    @app.get("/api/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(DOCS if (root / "docs" / "swagger-ui-bundle.js").is_file() else _not_built(folder))

    app.mount("/assets", Assets(directory=root / "assets", check_dir=False), name="assets")
    app.mount("/docs", StaticFiles(directory=root / "docs", check_dir=False), name="docs")

    @app.get("/{path:page}", include_in_schema=False)
    async def page(request: Request, path: str) -> Response:
        if "/" not in path and path and (file := root / path).is_file() and path != "index.html":
            return FileResponse(file, headers={"Cache-Control": ASK_AGAIN})
        if path not in ("", "index.html"):
            return problem(404, f"there is nothing at {request.url.path}")
        if not index.is_file():
            return HTMLResponse(_not_built(folder), status_code=503)
        return FileResponse(index, headers={"Cache-Control": ASK_AGAIN})


def _not_built(folder: str) -> str:
    return NOT_BUILT.format(folder=folder.replace("&", "&amp;").replace("<", "&lt;"))
