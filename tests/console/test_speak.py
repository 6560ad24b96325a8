"""What the page Speak takes from a browser, which can send anything."""

from math import nan

import pytest

from ttsai_server.console.pages.speak import checked_speed
from ttsai_server.errors import BadRequest


@pytest.mark.parametrize("speed", [None, "1", 0, 1e-6, -1, 4.01, nan])
def test_a_speed_that_is_none_is_refused(speed: object) -> None:
    with pytest.raises(BadRequest, match="must be a number"):
        checked_speed(speed)


@pytest.mark.parametrize("speed", [0.25, 1, 4])
def test_a_speed_is_taken(speed: float) -> None:
    assert checked_speed(speed) == speed
