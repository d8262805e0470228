"""`python -m trading_api.openapi`: the OpenAPI document, from which the page's types are generated."""

from __future__ import annotations

import json

from trading_api.app import create_app


def document() -> str:
    """Stable text: keys sorted, so that a change of it is a change of the API."""
    return json.dumps(create_app().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(document(), end="")
