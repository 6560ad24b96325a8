"""Voice conversion: which voice is to say what a recording says, checked."""

from dataclasses import dataclass, replace
from typing import ClassVar

from ttsai_server.domain import Caller, Capability, ModelCard
from ttsai_server.errors import BadRequest, UnknownVoice
from ttsai_server.services.billing import price
from ttsai_server.services.cloning import approximate_warning, choose_model
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.conversion_run import ConversionPlan, ConversionRun
from ttsai_server.services.flow import Order
from ttsai_server.services.target_voice import TargetVoice, find_target


@dataclass(frozen=True, slots=True)
class ConversionOrder(Order[ConversionRun]):
    kind: ClassVar[str] = "voice_convert"
    takes_upload: ClassVar[bool] = True

    target_voice: str = ""
    """Of a model, or saved; empty: that of the reference."""
    reference_bytes: int = 0
    """Length of the reference in the upload, see `paired_upload`; 0: there is none."""
    model: str | None = None
    """None: the first of `conversion.models` that is ready."""
    format: str = "wav"


def plan_conversion(context: ServiceContext, caller: Caller, order: ConversionOrder) -> ConversionPlan:
    """Raises UnknownModel, UnknownVoice, BadRequest, or NotReady."""
    if bool(order.target_voice) == bool(order.reference_bytes):
        raise BadRequest("Either 'target_voice' or 'reference_audio' is required, not both.", param="target_voice")
    card = choose_model(context, order.model, Capability.VOICE_CONVERSION, context.settings.conversion.models)
    plan = plan_with_target(context, card, order.kind, order.format, _target(context, caller, order, card))
    return replace(plan, reference_bytes=order.reference_bytes)


def plan_with_target(
    context: ServiceContext, card: ModelCard, kind: str, format: str, target: TargetVoice | None
) -> ConversionPlan:
    """The plan of an order of this kind, once model and voice are known."""
    return ConversionPlan(
        kind=kind,
        model=card.id,
        result_name=f"converted.{format}",
        price=price(context.settings.prices, Capability.VOICE_CONVERSION, card.tier),
        warnings=approximate_warning(card),
        max_seconds=context.settings.conversion.max_seconds,
        rate=card.rate,
        channels=1,
        card=card,
        target=target,
        format=format,
    )


def _target(context: ServiceContext, caller: Caller, order: ConversionOrder, card: ModelCard) -> TargetVoice | None:
    if not order.target_voice:
        return None
    try:
        return find_target(context, caller, order.target_voice, card)
    except UnknownVoice as error:
        error.param = "target_voice"
        raise
