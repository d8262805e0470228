"""What a strategy gives as metadata, as plain JSON values."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np


def plain_json(value: Any) -> Any:
    """`value` in dicts, lists, str, int, float, bool and None only.

    numpy numbers become Python's, Decimals strings, a number that is not finite None, as JSON has no such number.
    TypeError for anything else.
    """
    match value:
        case None | bool() | str():
            return value
        case Decimal():
            return format(value, "f")
        case np.generic() | np.ndarray():
            return plain_json(value.tolist())
        case int():
            return int(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): plain_json(item) for key, item in value.items()}
        case list() | tuple():
            return [plain_json(item) for item in value]
        case _:
            raise TypeError(f"metadata must be JSON values, got {type(value).__name__}")
