from __future__ import annotations

import pytest

from trading_core.collect.numbers import check_time
from trading_core.errors import VenueMessageInvalid


def test_the_time_of_a_live_event_is_near_venue_time() -> None:
    check_time(100_000 + 5_000, 100_000)
    with pytest.raises(VenueMessageInvalid, match="ahead"):
        check_time(100_000 + 5_001, 100_000)
    with pytest.raises(VenueMessageInvalid, match="24 h behind"):
        check_time(0, 86_400_001)
