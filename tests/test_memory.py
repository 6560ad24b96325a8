"""How a process manages memory."""

import gc

from ttsai_server.memory import spare_collector


def test_what_exists_is_left_out_of_later_collections() -> None:
    before = len(gc.get_objects())
    try:
        spare_collector()
        assert len(gc.get_objects()) < before / 10
    finally:
        gc.unfreeze()
