"""What a Wyoming client is told of the server: its voices, and the models that listen."""

from typing import Any

from wyoming.info import AsrModel, AsrProgram, Attribution, Info, TtsProgram, TtsVoice

from ttsai_server import __version__
from ttsai_server.cli.wyoming.backend import Lists

NAME = "ttsai-server"


def info(lists: Lists) -> Info:
    """The answer to `describe`; a service without a model that is ready is left out."""
    voices, models = [_voice(voice) for voice in lists.voices], [_model(model) for model in lists.models]
    common: dict[str, Any] = {
        "name": NAME,
        "attribution": Attribution(NAME, ""),
        "installed": True,
        "version": __version__,
    }
    speech = TtsProgram(**common, description="Text to speech", voices=voices, supports_synthesize_streaming=True)
    hearing = AsrProgram(**common, description="Speech to text", models=models)
    return Info(tts=[speech] if voices else [], asr=[hearing] if models else [])


def _voice(voice: dict[str, Any]) -> TtsVoice:
    return TtsVoice(
        name=voice["id"],
        description=f"{voice['name']} ({voice['model']})",
        attribution=Attribution(voice["model"], ""),
        installed=True,
        version=None,
        languages=list(dict.fromkeys([voice["language"], *voice["languages"]])),
    )


def _model(model: dict[str, Any]) -> AsrModel:
    return AsrModel(
        name=model["id"],
        description=model["name"],
        attribution=Attribution(model["owned_by"], ""),
        installed=True,
        version=None,
        languages=model["languages"],
    )
