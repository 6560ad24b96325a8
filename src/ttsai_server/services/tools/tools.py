"""Orders checked, and turned into plans."""

from collections.abc import Sequence
from typing import BinaryIO

from ttsai_server.audio.export import ExportFormat
from ttsai_server.domain import Caller, Capability, EnhancementRequest, ModelCard
from ttsai_server.errors import BadRequest
from ttsai_server.services.availability import first_ready
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.tools.analysis import MusicAnalysis
from ttsai_server.services.tools.enhancement import EnhancementChain, Stage
from ttsai_server.services.tools.orders import Analyze, Dereverb, Enhance, Order, Separate, Transcode
from ttsai_server.services.tools.plan import Plan
from ttsai_server.services.tools.processing import Processing
from ttsai_server.services.tools.separation import INSTRUMENTAL, VOCALS, Separation

STRENGTHS, INTENSITIES = 3, 5
"""The highest of each."""


class Tools:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._names = context.settings.tools
        self._prices = context.settings.prices

    def process(self, caller: Caller, plan: Plan, file: BinaryIO) -> Processing:
        """What a plan makes of an uploaded file; nothing is read, reserved or loaded until its steps are asked for."""
        return Processing(plan, file, caller, self._context)

    def check(self, order: Order) -> Plan:
        """Raises BadRequest, UnknownModel, or NotReady for a model that is not on this machine."""
        match order:
            case Transcode():
                return _conversion(order)
            case Enhance():
                return self._enhancement(order)
            case Dereverb():
                return self._dereverberation(order)
            case Separate():
                return self._separation(order)
            case Analyze():
                card = self._there([self._context.catalog.resolve(self._names.analyzer, Capability.ANALYSIS)])
                return MusicAnalysis("analyze", card.id, 0, card)

    def _enhancement(self, order: Enhance) -> Plan:
        names = self._names
        wanted = (
            (order.denoise, names.denoiser, Capability.ENHANCEMENT, order.strength / STRENGTHS),
            (order.super_resolution, names.upsampler, Capability.SUPER_RESOLUTION, 1.0),
            (order.enhance_clarity, names.clarifier, Capability.CLARITY, 1.0),
        )
        stages = self._stages(wanted, "'denoise', 'enhance_clarity' or 'super_resolution' is to be true.")
        upsampled = [stage.card.rate for stage in stages if stage.card.task is Capability.SUPER_RESOLUTION]
        target = ExportFormat(order.format, rate=upsampled[0] if upsampled else None)
        return EnhancementChain("enhance", stages[0].card.id, self._prices.enhancement_per_minute, stages, target)

    def _dereverberation(self, order: Dereverb) -> Plan:
        names, strength = self._names, order.intensity / INTENSITIES
        wanted = (
            (order.echo, names.echo_remover, Capability.ECHO_REMOVAL, strength),
            (order.reverb, names.dereverberator, Capability.DEREVERBERATION, strength),
        )
        stages = self._stages(wanted, "'type' is to be echo, reverb or both.")
        price = self._prices.enhancement_per_minute
        return EnhancementChain("dereverb", stages[-1].card.id, price, stages, ExportFormat(order.format))

    def _separation(self, order: Separate) -> Plan:
        offered = self._context.catalog.kin(order.model, Capability.SEPARATION)
        able = sorted((card for card in offered if order.stems in _counts(card)), key=lambda card: len(card.stems))
        if not able:
            counts = ", ".join(map(str, sorted({count for card in offered for count in _counts(card)})))
            raise BadRequest(f"{order.model!r} makes {counts} stems, not {order.stems}.", param="stems")
        card = self._there(able)
        stems = (VOCALS, INSTRUMENTAL) if order.stems == 2 else card.stems
        price = self._prices.two_stems_per_minute if order.stems == 2 else self._prices.stems_per_minute
        return Separation("separate", card.id, price, card, order.model, stems, order.format, order.zip)

    def _stages(self, wanted: Sequence[tuple[bool, str, Capability, float]], otherwise: str) -> tuple[Stage, ...]:
        found = [
            Stage(self._there([self._context.catalog.resolve(name, task)]), EnhancementRequest(strength))
            for asked, name, task, strength in wanted
            if asked
        ]
        if not found:
            raise BadRequest(otherwise)
        return tuple(found)

    def _there(self, cards: Sequence[ModelCard]) -> ModelCard:
        return first_ready(cards, cards[0], self._context.settings.models)


def _conversion(order: Transcode) -> Plan:
    target = ExportFormat(order.format, order.bitrate, order.sample_rate, order.channels)
    return EnhancementChain("convert", "convert", 0, (), target)


def _counts(card: ModelCard) -> set[int]:
    """How many stems it can be asked for: all of its own, or the voice and the rest."""
    return {2, len(card.stems)}
