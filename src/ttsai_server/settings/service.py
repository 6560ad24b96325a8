"""Settings of the service itself: connections, accounts, prices, databases, jobs, webhooks, logs."""

from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from ttsai_server.settings.group import Group


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
    """Longest duration of one request, seconds; then its Idempotency-Key is free."""
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


class Console(Group):
    enabled: bool = True
    """Whether there are pages at /console/, if the extra `console` is installed."""
    idle_hours: PositiveFloat = 12
    """After how long without use who has signed in there is signed out, hours."""


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
    """Key that encrypts webhook secrets and recordings, 32 characters or more; empty: that in `data_dir`/secret.key."""
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
    """The same for an account's results, uploads and recordings, megabytes; what a job makes beyond it is not kept."""


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


class Tracing(Group):
    endpoint: str = ""
    """Where traces are sent, by OTLP over HTTP, such as http://localhost:4318/v1/traces; empty: nothing is traced."""
    share: float = Field(default=1, ge=0, le=1)
    """Share of the traces that are kept."""
    service: str = "ttsai-server"
    """Name of this server in its traces."""


class Log(Group):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level of the server's own records; those of libraries are logged from WARNING on."""
    format: Literal["auto", "json", "text"] = "auto"
    """auto: text on a terminal, else one JSON object per line."""
