"""The only wiring: settings in, an ASGI application out."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from ttsai_server import __version__
from ttsai_server.api import admin, catalog, errors, operations, speech
from ttsai_server.api.deps import Services
from ttsai_server.api.listings import Listings
from ttsai_server.api.middleware import Entry, Gate
from ttsai_server.domain import Task
from ttsai_server.engines.catalog import Catalog
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.loading import loader
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.accounts import HOUSE, Accounts
from ttsai_server.services.billing import FreeBilling, LedgerBilling
from ttsai_server.services.limits import open_limiter
from ttsai_server.services.previews import Previews
from ttsai_server.services.readiness import Readiness
from ttsai_server.services.speech import Speech
from ttsai_server.settings import Settings
