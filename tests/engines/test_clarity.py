"""Clearer speech: loudness and peaks as FFmpeg's own meter has them."""

from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.engines.enhancer import EnhancerContract, Sound, recorded, steps

from ttsai_server.audio.filters import Filters
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Enhancer


class TestClarity(EnhancerContract):
    model_id = "clarity"
