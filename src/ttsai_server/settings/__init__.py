"""All settings, as one frozen tree.

Sources by priority: the arguments of `Settings`, the environment (`TTSAI_SERVER__SERVER__PORT=80`), the TOML file, the
default. `config.example.toml` is generated from these files by `ttsai-server config`, docstrings included.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ttsai_server.settings.service import (
    PLANS,
    Auth,
    Compat,
    Console,
    Cors,
    Idempotency,
    Jobs,
    Limits,
    Log,
    Plan,
    Prices,
    Results,
    Server,
    Store,
    Tracing,
    Webhooks,
)
from ttsai_server.settings.work import (
    CHECKOUT,
    Chat,
    Cloning,
    Conversion,
    ElevenLabs,
    Mcp,
    Models,
    Ray,
    Realtime,
    Recordings,
    Replicas,
    Speech,
    Tools,
    Transcription,
    Translation,
)

__all__ = [
    "CHECKOUT",
    "Auth",
    "Chat",
    "Cloning",
    "Compat",
    "Console",
    "Conversion",
    "Cors",
    "ElevenLabs",
    "Idempotency",
    "Jobs",
    "Limits",
    "Log",
    "Mcp",
    "Models",
    "Plan",
    "Prices",
    "Ray",
    "Realtime",
    "Recordings",
    "Replicas",
    "Results",
    "Server",
    "Settings",
    "Speech",
    "Store",
    "Tools",
    "Tracing",
    "Transcription",
    "Translation",
    "Webhooks",
    "load_settings",
]


def _with_published(plans: dict[str, Any]) -> dict[str, Any]:
    """Merge the configured plans into the published ones, field by field."""
    return {name: PLANS.get(name, {}) | dict(plans.get(name, {})) for name in {**PLANS, **plans}}


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
    console: Console = Console()
    plans: Annotated[dict[str, Plan], BeforeValidator(_with_published)] = Field(
        default_factory=dict[str, Plan], validate_default=True
    )
    prices: Prices = Field(default_factory=Prices)
    store: Store = Store()
    limits: Limits = Limits()
    idempotency: Idempotency = Idempotency()
    results: Results = Results()
    models: Models = Field(default_factory=Models)
    ray: Ray = Field(default_factory=Ray)
    speech: Speech = Field(default_factory=Speech)
    transcription: Transcription = Field(default_factory=Transcription)
    cloning: Cloning = Cloning()
    conversion: Conversion = Conversion()
    translation: Translation = Translation()
    tools: Tools = Tools()
    chat: Chat = Chat()
    realtime: Realtime = Realtime()
    elevenlabs: ElevenLabs = Field(default_factory=ElevenLabs)
    mcp: Mcp = Mcp()
    recordings: Recordings = Recordings()
    webhooks: Webhooks = Webhooks()
    jobs: Jobs = Jobs()
    compat: Compat = Compat()
    cors: Cors = Cors()
    log: Log = Log()
    tracing: Tracing = Tracing()

    @property
    def store_url(self) -> str:
        """The database's URL; by default that of `store_file`."""
        return self.store.url or f"sqlite:///{self.store_file}"

    @property
    def store_file(self) -> Path:
        """The SQLite file that is the database where `store.url` names none."""
        return self.data_dir / "ttsai.db"

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
