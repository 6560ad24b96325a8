"""Every setting, as one frozen tree.

A value is taken from, first found first: the arguments of `Settings`, the environment
(`TTSAI_SERVER__SERVER__PORT=80`), the TOML file, the default. `config.example.toml` shows them all; a test holds it
equal to this file.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

CHECKOUT = Path(__file__).parents[2]
"""The folder of the git checkout, when the package is run from one."""
PACKAGED_CARDS = Path(__file__).parent / "cards"
"""Where a wheel carries the model cards."""


def _cards() -> Path:
    return PACKAGED_CARDS if PACKAGED_CARDS.is_dir() else CHECKOUT / "models"


def _weights() -> Path:
    return user_cache_path("ttsai-server") / "models" if PACKAGED_CARDS.is_dir() else CHECKOUT / "models"


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Server(Group):
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for every interface."""
    port: int = Field(default=8000, ge=0, le=65535)
    """TCP port; 0 takes a free one."""
    public_url: str = ""
    """The address clients know this server by, as https://speech.example.org; empty: taken from each request."""
    max_body_bytes: PositiveInt = 1_000_000
    """Longest JSON body, bytes; a longer one gets 413."""
    request_seconds: PositiveFloat = 7200
    """Longest life of one request, seconds; its credits return, and its Idempotency-Key is free, after it."""
    head_seconds: PositiveFloat = 10
    """How long the first line and the headers of a request may take to arrive, seconds."""
    body_seconds: PositiveFloat = 30
    """How long the body of a request may stand still while it arrives, seconds."""
    idle_seconds: PositiveFloat = 65
    """How long a connection is kept for the next request, seconds; longer than proxies keep theirs."""
    max_connections: PositiveInt = 1000
    """Connections at the same time, if the process may have as many files open; the longest silent one makes room."""
    shutdown_seconds: PositiveFloat = 20
    """Longest time that a stop takes, seconds; requests that run have 60 % of it to end."""


class Auth(Group):
    enabled: bool = True
    """Off: no keys, no limits, no billing; for a box that only you can reach."""
    cache_seconds: float = Field(default=1.0, ge=0)
    """How long a checked key is remembered, seconds; a revoked key stops working within it."""


class Plan(Group):
    api: bool = True
    """Whether the plan may use the API at all."""
    requests_per_minute: PositiveInt
    """Requests in any minute."""
    concurrent: PositiveInt
    """Requests under way at the same time."""
    max_characters: PositiveInt
    """Longest text of one request, characters."""


PLANS: dict[str, dict[str, Any]] = {
    "free": {"api": False, "requests_per_minute": 10, "concurrent": 1, "max_characters": 500},
    "pro": {"requests_per_minute": 60, "concurrent": 5, "max_characters": 5_000},
    "enterprise": {"requests_per_minute": 300, "concurrent": 20, "max_characters": 50_000},
}


def _over_published(given: dict[str, Any]) -> dict[str, Any]:
    """The published plans, with what is given laid over them field by field."""
    return {name: PLANS.get(name, {}) | dict(given.get(name, {})) for name in {**PLANS, **given}}


class Prices(Group):
    tts_per_1k: dict[str, int] = Field(default_factory=lambda: {"free": 1, "standard": 2, "premium": 4})
    """Credits for each started 1,000 characters of speech, by the model's tier."""
    stt_per_minute: int = Field(default=2, ge=0)
    """Credits for each started minute that is transcribed."""
    enhancement_per_minute: int = Field(default=2, ge=0)
    """Credits for each started minute that is enhanced, or freed of echo and reverberation."""
    two_stems_per_minute: int = Field(default=3, ge=0)
    """Credits for each started minute that is taken apart into vocals and the rest."""
    stems_per_minute: int = Field(default=4, ge=0)
    """Credits for each started minute that is taken apart into more stems."""


class Store(Group):
    url: str = ""
    """Database: postgresql://user:password@host/name, or sqlite:///path; empty: an SQLite file in `data_dir`."""
    pool_size: PositiveInt = 10
    """Connections to Postgres."""
    local_credits: int = Field(default=1_000_000, ge=0)
    """Credits of the account `local` that the first start makes."""


class Limits(Group):
    url: str = "memory://"
    """Where counters live: memory://, or redis://host:6379/0 when several servers share them."""


class Idempotency(Group):
    hours: PositiveFloat = 24
    """How long an answer is kept for a repeated Idempotency-Key, hours."""
    wait_seconds: PositiveFloat = 60
    """How long a repeat waits for the first to end, seconds; then 503."""


class Results(Group):
    url: str = ""
    """Where results lie: s3://bucket/prefix?endpoint=https://…&region=…, with AWS_… keys; empty: in `data_dir`."""
    hours: PositiveFloat = 24
    """How long a result can be fetched, hours."""
    quota_mb: PositiveInt = 10_000
    """While there are more results than this, megabytes, a new job gets 503."""


class Models(Group):
    cards: Path = Field(default_factory=_cards)
    """Folder of the model cards, one <id>.toml each."""
    dir: Path = Field(default_factory=_weights)
    """Folder of the weights, one folder a model."""
    aliases: dict[str, str] = Field(
        default_factory=lambda: {"whisper": "whisper-base", "faster-whisper": "whisper-base"}
    )
    """Published names → the model that each means here; listed beside the models."""
    auto_pull: bool = False
    """Whether a request for a model without weights fetches them; off: 503 that says what to run."""
    options: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    """How engines are loaded, by model: laid over the cards' `setup`, as kokoro = { runtime = "onnxruntime" }."""
    demo: bool = False
    """Whether the sine engine `tone` is listed and served."""
    preload: tuple[str, ...] = ()
    """Models loaded at start; `/health/ready` waits for them."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where models run."""
    threads: int = Field(default=0, ge=0)
    """Processor threads for one step of work; 0: as many as the machine has, at most 8."""
    memory_mb: PositiveInt = 16_000
    """Idle models are unloaded, least recently used first, to keep the loaded ones within it, megabytes."""
    idle_seconds: PositiveFloat = 900
    """A model not used for so long is unloaded, seconds."""
    load_wait_seconds: PositiveFloat = 60
    """How long a request waits for its model to load, seconds; then 503."""
    queue_wait_seconds: PositiveFloat = 60
    """How long a request waits for its turn at a busy model, seconds; then 503."""
    processes: bool = True
    """Whether models with native code run in processes of their own; off: all in the server's, for debugging."""
    step_seconds: PositiveFloat = 300
    """A model's process that takes longer for one step of work is killed, seconds."""
    restart_seconds: PositiveFloat = 5
    """A model whose process dies is loaded at most once in so long, seconds; twice as long each time it dies again."""
    recycle_mb: int = Field(default=0, ge=0)
    """A model's process that takes more memory is replaced, megabytes; 0: never."""


class Speech(Group):
    default_model: str = "kokoro"
    """The model that OpenAI's names mean."""
    openai_models: tuple[str, ...] = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
    """OpenAI's model names; listed beside the models."""
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
    """OpenAI's voice names → ours."""


class Transcription(Group):
    max_file_bytes: PositiveInt = 100 * 1024 * 1024
    """Longest file, bytes; a longer one gets 413."""
    max_seconds: PositiveFloat = 6 * 3600
    """Longest recording, seconds; a longer one gets 413."""
    default_model: str = "whisper"
    """The model that OpenAI's names mean."""
    openai_models: tuple[str, ...] = (
        "whisper-1",
        "gpt-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-diarize",
    )
    """OpenAI's model names; listed beside the models."""
    diarizers: tuple[str, ...] = Field(default=("speakers-pyannote", "speakers"), min_length=1)
    """Models that tell speakers apart; the first whose weights are on this machine does it."""


class Tools(Group):
    max_file_bytes: PositiveInt = 100 * 1024 * 1024
    """Longest file, bytes; a longer one gets 413."""
    max_seconds: PositiveFloat = 3 * 3600
    """Longest recording, seconds; a longer one gets 413. Work takes some 2 GB of temporary disk for each hour."""
    denoiser: str = "deepfilternet3"
    """The model that takes noise away."""
    clarifier: str = "clarity"
    """The model that makes speech clearer."""
    upsampler: str = "lavasr"
    """The model that makes the treble that a recording lacks."""
    echo_remover: str = "echo"
    """The model that takes distinct echoes away."""
    dereverberator: str = "wpe"
    """The model that takes reverberation away."""
    analyzer: str = "key-bpm"
    """The model that finds key, tempo and metre."""


class Webhooks(Group):
    timeout_seconds: PositiveFloat = 20
    """How long one attempt may take in all, seconds."""
    connect_seconds: PositiveFloat = 5
    """How long finding the receiver's address and connecting to it may take; the same again for TLS, seconds."""
    concurrent: PositiveInt = 100
    """Attempts under way at the same time; others wait for their turn."""
    rotation_hours: float = Field(default=24, ge=0)
    """How long the old secret still signs, beside the new one, after a rotation, hours."""
    retention_days: float = Field(default=30, ge=3)
    """How long the log of deliveries is kept, days; attempts go on for little more than one."""
    require_https: bool = False
    """Whether receivers must be at https://."""
    allow_private: bool = False
    """Whether receivers may be on this machine or in its network; only where every caller is trusted with both."""


class Jobs(Group):
    run: bool = True
    """Off: jobs are accepted here, and done by other servers on the same database."""
    node: str = ""
    """Name of this server, unlike any other's on the same database; empty: made once, and kept in `data_dir`."""
    concurrent: PositiveInt = 4
    """Jobs of one model that this server does at the same time."""
    poll_seconds: PositiveFloat = 0.1
    """How often this server looks for jobs that others have accepted, while it does some itself, seconds."""
    idle_poll_seconds: PositiveFloat = 0.5
    """The same while it does none, and how often it looks for webhooks to send again."""
    dead_seconds: PositiveFloat = 30
    """A server without a sign of life for so long is dead: others do its jobs, its credits return, seconds."""
    attempts: PositiveInt = 5
    """How often a job is begun that kills its server, or its model's process, before it fails."""
    hours: PositiveFloat = 48
    """A job that has not ended after so long fails, hours."""


class Compat(Group):
    tts_response: Literal["audio", "job"] = "audio"
    """What text to speech answers to who asks for neither: the sound, or a job."""


class Cors(Group):
    origins: tuple[str, ...] = ("*",)
    """Web origins that may call, beside those that publishable keys name; `*`: any."""


class Log(Group):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level of the server's own lines; those of the packages that it uses are written from WARNING on."""
    format: Literal["auto", "json", "text"] = "auto"
    """auto: text on a terminal, else one JSON object a line."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="TTSAI_SERVER__",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    data_dir: Path = Field(default_factory=partial(user_data_path, "ttsai-server"))
    """Folder of the database and the results."""
    server: Server = Server()
    auth: Auth = Auth()
    plans: Annotated[dict[str, Plan], BeforeValidator(_over_published)] = Field(
        default_factory=dict[str, Plan], validate_default=True
    )
    prices: Prices = Field(default_factory=Prices)
    store: Store = Store()
    limits: Limits = Limits()
    idempotency: Idempotency = Idempotency()
    results: Results = Results()
    models: Models = Field(default_factory=Models)
    speech: Speech = Field(default_factory=Speech)
    transcription: Transcription = Field(default_factory=Transcription)
    tools: Tools = Tools()
    webhooks: Webhooks = Webhooks()
    jobs: Jobs = Jobs()
    compat: Compat = Compat()
    cors: Cors = Cors()
    log: Log = Log()

    @property
    def store_url(self) -> str:
        """The database's URL, with the embedded default filled in."""
        return self.store.url or f"sqlite:///{self.data_dir / 'ttsai.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Settings from a TOML file, the environment and overrides. Raises FileNotFoundError if the file is not there."""
    if config is None:
        return Settings(**overrides)
    if not config.is_file():
        raise FileNotFoundError(config)
    bound = type("Settings", (Settings,), {"model_config": SettingsConfigDict(toml_file=config), "__doc__": None})
    return bound(**overrides)
