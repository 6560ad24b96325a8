"""Translating texts: by which models, and doing it."""

from ttsai_server.services.translation.destination import Destination
from ttsai_server.services.translation.routes import PIVOT, Leg, Route, Routes
from ttsai_server.services.translation.texts import translated

__all__ = ["PIVOT", "Destination", "Leg", "Route", "Routes", "translated"]
