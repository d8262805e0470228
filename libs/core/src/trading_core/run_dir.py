"""`--run-dir`, the same in every command that finds the data of the platform on this machine by itself."""

from __future__ import annotations

import argparse
from pathlib import Path

RUN_DIR = Path(".run")


def add_run_dir(parser: argparse.ArgumentParser, what: str = "of the embedded platform") -> None:
    parser.add_argument("--run-dir", type=Path, default=RUN_DIR, metavar="DIR", help=f"{what} (default {RUN_DIR})")
