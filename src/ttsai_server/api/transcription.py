"""POST /v1/stt/ and OpenAI's POST /v1/audio/transcriptions and /v1/audio/translations."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import Response

from ttsai_server.api.departure import unless_left
from ttsai_server.api.deps import Asking, Keyed, Services
from ttsai_server.api.schemas import BILLABLE
from ttsai_server.api.streaming import EventStream, begun, credit_headers, event
from ttsai_server.api.uploads import FORM_LIMITS, opened
from ttsai_server.services.hearing import Hearing
from ttsai_server.services.transcription import Order

router = APIRouter(tags=["transcription"])
