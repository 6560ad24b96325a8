"""What every service of this server works with."""

from dataclasses import dataclass

from ttsai_server.engines.catalog import Catalog
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.billing import Billing
from ttsai_server.services.decoding import Decoders
from ttsai_server.settings import Settings


@dataclass(frozen=True, slots=True)
class ServiceContext:
    settings: Settings
    catalog: Catalog
    runtime: Runtime
    billing: Billing
    metrics: Metrics
    decoders: Decoders
