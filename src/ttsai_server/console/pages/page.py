"""What a page of the console is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it lists the pages itself
    from ttsai_server.console.view import View


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    """Of its address: /console/NAME."""
    title: str
    icon: str
    """One of the Material icons, which NiceGUI brings."""
    build: Callable[["View"], Awaitable[None]]
    """Adds the page's elements."""
    for_administrators: bool = False
    """Whether only those see it who may administer the server."""
