"""Orders for recordings checked, and turned into plans."""

from collections.abc import Sequence

from ttsai_server.audio.export import ExportFormat
from ttsai_server.domain import Caller, Capability, EnhancementRequest, ModelCard
from ttsai_server.errors import BadRequest
from ttsai_server.services.availability import availability
from ttsai_server.services.billing import FREE, TWO_STEMS, price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.tools.analysis import AnalysisPlan
from ttsai_server.services.tools.enhancement import EnhancementPlan, Stage
from ttsai_server.services.tools.orders import Analyze, Dereverb, Enhance, Separate, Transcode
from ttsai_server.services.tools.separation import INSTRUMENTAL, VOCALS, SeparationPlan
from ttsai_server.services.trials import Trials

STRENGTHS, INTENSITIES = 3, 5
"""The highest of each."""


def plan_transcoding(context: ServiceContext, caller: Caller, order: Transcode) -> EnhancementPlan:
    return EnhancementPlan(
        kind=order.kind,
        model=order.kind,
        result_name=f"{order.kind}.{order.format}",
        price=FREE,
        max_seconds=context.settings.tools.max_seconds,
        stages=(),
        target=ExportFormat(order.format, order.bitrate, order.sample_rate, order.channels),
    )


def plan_enhancement(context: ServiceContext, caller: Caller, order: Enhance) -> EnhancementPlan:
    """Raises BadRequest if the order asks for nothing, or NotReady."""
    names = context.settings.tools
    wanted = (
        (order.denoise, names.denoiser, Capability.ENHANCEMENT, order.strength / STRENGTHS),
        (order.super_resolution, names.upsampler, Capability.SUPER_RESOLUTION, 1.0),
        (order.enhance_clarity, names.clarifier, Capability.CLARITY, 1.0),
    )
    stages = _stages(context, wanted, "'denoise', 'enhance_clarity' or 'super_resolution' is to be true.")
    upsampler = context.catalog.resolve(names.upsampler, Capability.SUPER_RESOLUTION)
    target = ExportFormat(order.format, rate=upsampler.rate if order.super_resolution else None)
    return _chain(context, order, Capability.ENHANCEMENT, stages[0].card, stages, target)


def plan_dereverberation(context: ServiceContext, caller: Caller, order: Dereverb) -> EnhancementPlan:
    """Raises BadRequest if the order asks for nothing, or NotReady."""
    names, strength = context.settings.tools, order.intensity / INTENSITIES
    wanted = (
        (order.echo, names.echo_remover, Capability.ECHO_REMOVAL, strength),
        (order.reverb, names.dereverberator, Capability.DEREVERBERATION, strength),
    )
    stages = _stages(context, wanted, "'type' is to be echo, reverb or both.")
    target = ExportFormat(order.format)
    return _chain(context, order, Capability.DEREVERBERATION, stages[-1].card, stages, target)


def plan_separation(context: ServiceContext, caller: Caller, order: Separate) -> SeparationPlan:
    """Raises UnknownModel, BadRequest for a number of stems that the model does not make, or NotReady."""
    names = (order.model,) if order.model else context.settings.tools.separators
    card, two = _ready(context, _separators(context, names, order.stems)), order.stems == 2
    return SeparationPlan(
        kind=order.kind,
        model=card.id,
        result_name="stems.zip" if order.zip else "stems.json",
        price=price(context.settings.prices, TWO_STEMS if two else Capability.SEPARATION, card.tier),
        max_seconds=context.settings.tools.max_seconds,
        card=card,
        asked=order.model or card.family or card.id,
        stems=(VOCALS, INSTRUMENTAL) if two else card.stems,
        format=order.format,
        zip=order.zip,
    )


def plan_analysis(context: ServiceContext, caller: Caller, order: Analyze) -> AnalysisPlan:
    """Raises NotReady."""
    names = context.settings.tools
    card = _ready(context, [context.catalog.resolve(names.analyzer, Capability.ANALYSIS)])
    return AnalysisPlan(
        kind=order.kind,
        model=card.id,
        result_name="analysis.json",
        price=price(context.settings.prices, Capability.ANALYSIS, card.tier),
        max_seconds=names.max_seconds,
        channels=1,
        card=card,
    )


def _chain(
    context: ServiceContext,
    order: Enhance | Dereverb,
    work: Capability,
    main: ModelCard,
    stages: tuple[Stage, ...],
    target: ExportFormat,
) -> EnhancementPlan:
    """work: what is paid for; main: the model that is named in the account's usage."""
    return EnhancementPlan(
        kind=order.kind,
        model=main.id,
        result_name=f"{order.kind}.{target.format}",
        price=price(context.settings.prices, work, main.tier),
        max_seconds=context.settings.tools.max_seconds,
        stages=stages,
        target=target,
    )


def _stages(
    context: ServiceContext, wanted: Sequence[tuple[bool, str, Capability, float]], otherwise: str
) -> tuple[Stage, ...]:
    """wanted: whether it is, the setting's model, its capability, the strength. Raises BadRequest if none is wanted."""
    found = [
        Stage(_ready(context, [context.catalog.resolve(name, capability)]), EnhancementRequest(strength))
        for asked, name, capability, strength in wanted
        if asked
    ]
    if not found:
        raise BadRequest(otherwise)
    return tuple(found)


def _ready(context: ServiceContext, cards: Sequence[ModelCard]) -> ModelCard:
    """The first that is ready; else the first that lacks nothing but weights, else the first. Raises NotReady."""
    models = context.settings.models
    lacks_weights = (card for card in cards if availability(card, models).status == "needs_pull")
    return Trials(context.settings).first_ready(cards, next(lacks_weights, cards[0]))


def _separators(context: ServiceContext, names: Sequence[str], stems: int) -> list[ModelCard]:
    """The models of those names that make so many stems: in their order, of a family the one with fewest stems first.

    Raises UnknownModel, or BadRequest if the first name's models don't.
    """
    kin = [sorted(context.catalog.kin(name, Capability.SEPARATION), key=lambda card: len(card.stems)) for name in names]
    offered = {count for card in kin[0] for count in _counts(card)}
    if stems not in offered:
        counts = ", ".join(map(str, sorted(offered)))
        raise BadRequest(f"{names[0]!r} makes {counts} stems, not {stems}.", param="stems")
    return [card for cards in kin for card in cards if stems in _counts(card)]


def _counts(card: ModelCard) -> set[int]:
    """How many stems it can be asked for: all of its own, or the voice and the rest."""
    return {2, len(card.stems)}
