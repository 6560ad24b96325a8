"""POST /v1/voice-clone/: a job that speaks with the voice of a recording."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, UploadFile
from pydantic import BeforeValidator, Field, WithJsonSchema
from starlette.responses import Response

from ttsai_server.api.deps import AuthedServices, CurrentCaller
from ttsai_server.api.schemas import BILLABLE, JobBody
from ttsai_server.api.uploads import MOST_REFERENCE_BYTES, UploadRoute, content
from ttsai_server.domain import Capability
from ttsai_server.errors import BadRequest, UnknownModel

router = APIRouter(tags=["cloning"], route_class=UploadRoute)


SPELLED = {"true": 1.0, "false": 0.0}


def _boost(given: object) -> object:
    return SPELLED.get(given.lower(), given) if isinstance(given, str) else given


Boost = Annotated[
    float,
    BeforeValidator(_boost),
    Field(ge=0, le=1, allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "boolean"}]}),
]
"""How far the voice is brought out: some of the vendor's SDKs send a number, others a boolean."""


@dataclass(frozen=True)
class CloneForm:
    reference_audio: UploadFile
    text: Annotated[str, Form()] = ""
    model: Annotated[str, Form()] = "chatterbox"
    language: Annotated[str, Form()] = ""
    name: Annotated[str, Form(max_length=100)] = ""
    boost: Annotated[Boost, Form()] = 0.0


@router.post("/v1/voice-clone", response_model=JobBody, responses=BILLABLE)
async def clone_voice(
    form: Annotated[CloneForm, Depends()], services: AuthedServices, caller: CurrentCaller
) -> Response:
    """Speak with the voice of a recording; with `name` the voice is kept too."""
    content(form.reference_audio, MOST_REFERENCE_BYTES)
    if not form.text.strip() and not form.name:
        raise BadRequest("'text' or 'name' is required.", param="text")
    services.catalog.resolve(form.model, Capability.CLONE)
    raise UnknownModel(form.model)  # no engine clones yet
