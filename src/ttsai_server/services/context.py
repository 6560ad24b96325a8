"""What every service of this server works with."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from ttsai_server.engines.catalog import Catalog
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.billing import Billing, Unbilled
from ttsai_server.services.chat import ChatModels
from ttsai_server.services.reference_cache import ReferenceCache
from ttsai_server.services.saved_voices import SavedVoices
from ttsai_server.services.sound_work import SoundWork
from ttsai_server.services.voices import Voices
from ttsai_server.settings import Settings

if TYPE_CHECKING:  # it works with the context itself
    from ttsai_server.services.previews import Previews


@dataclass(frozen=True, slots=True)
class ServiceContext:
    settings: Settings
    catalog: Catalog
    voices: Voices
    runtime: Runtime
    billing: Billing
    metrics: Metrics
    sound: SoundWork
    chat: ChatModels
    references: ReferenceCache
    saved_voices: SavedVoices
    previews: "Previews"

    def unbilled(self) -> Self:
        """The same, but its runs charge nobody: for a job, or for the parts of a run that holds credits for all."""
        return replace(self, billing=Unbilled())
