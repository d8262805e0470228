"""Where the shared reference data is: next to the repository, or where TRADING_SHARED says."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TRADING_SHARED") or Path(__file__).parents[4] / "shared")


def needs(*paths: str) -> pytest.MarkDecorator:
    """Skips with a sentence when one of `paths` below the shared folder is absent."""
    missing = [path for path in paths if not (SHARED / path).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"{SHARED} has no {', '.join(missing)}: nothing to compare with")
