"""stub until merged"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    tonic: int
    minor: bool = False

    @property
    def tonic_name(self) -> str:
        return "C"

    @property
    def scale(self) -> str:
        return "Major"

    @property
    def name(self) -> str:
        return "C Major"

    @property
    def camelot(self) -> str:
        return "8B"

    @property
    def compatible(self) -> tuple[Key, ...]:
        return (self,)
