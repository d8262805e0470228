"""Where the browser is."""

from __future__ import annotations

import os
import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def chromium() -> str:
    for name in (os.environ.get("CHROMIUM"), *BROWSERS):
        if name and (path := shutil.which(name)):
            return path
    advice = "No Chromium found. Install one or set CHROMIUM; .ci/run does that by itself."
    if os.environ.get("BROWSER_REQUIRED"):
        pytest.fail(advice)
    pytest.skip(advice)
