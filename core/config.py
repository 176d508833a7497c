"""Every setting of the service, read from ``NUXA_*`` environment variables or a ``.env`` file."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, SettingsConfigDict

OFFLINE_CHAT_MODEL = "nuxa/extractive"
RULES_MODEL = "nuxa/rules"  # what answers by rules are stored under; no model to choose
LOCAL_CHAT_MODEL = "openai/local"  # a model on this machine, behind llama.cpp's server
DEFAULT_LOCAL_MODEL = "qwen2.5-coder-1.5b"
_FORMER_LOCAL_PREFIX = "local/"
PACKAGED_EMBEDDING_MODEL = "all-MiniLM-L6-v2"
VALKEY_MAX_BYTES = 512 * 1024**2
ANY_ORIGIN = "*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#@*]+", re.IGNORECASE)


class OAuthProvider(BaseModel):
    """A provider that people sign in by: any OpenID Connect issuer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    scopes: list[str] = ["openid", "email", "profile"]


class Settings(BaseSettings):
    """One flat list; an unset server URL means the embedded one of ``make run``."""

    model_config = SettingsConfigDict(env_prefix="NUXA_", env_file=".env", extra="ignore")

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8420, description="Port the API listens on.")
    trusted_proxies: str = Field(
        "",
        description="Addresses or CIDRs of proxies, separated by commas, that name the client's "
        "address and scheme; unset: none is believed.",
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = Field(
        "x-forwarded-for", description="The header that those proxies set themselves."
    )
    head_timeout_seconds: float = Field(10, gt=0, description="Longest wait for a request's head.")
    max_connections: int = Field(
        10_000, ge=1, description="Connections a process holds; beyond: 503."
    )
    max_connections_per_address: int = Field(
        2_000, ge=1, description="Connections from one address; trusted proxies have no such limit."
    )
    public_url: str | None = Field(None, description="URL users reach the API at, behind a proxy.")
    cors_origins: str = Field(
        "",
        description="Origins, separated by commas, whose pages may call the API and open sockets: "
        "https://app.example.com. * admits all, without cookies; unset: none.",
    )
    data_dir: Path = Field(Path("var"), description="Embedded servers, blobs, keys, model cache.")
    environment: Literal["development", "production"] = Field(
        "development", description="production refuses development conveniences."
    )
    python_packages: bool = Field(
        True,
        description="Python functions may import NumPy, pandas, matplotlib (Linux with Landlock).",
    )
    log_level: str = Field("INFO", description="Lowest level written to the log.")

    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for /metrics; unset: only this machine may read them."
    )
    otlp_endpoint: str | None = Field(
        None, description="OTLP/HTTP collector that traces go to, http://host:4318; unset: none."
    )

    database_url: str | None = Field(
        None, description="postgresql://user:password@host:port/name; unset: embedded PostgreSQL."
    )
    database_pool_size: int = Field(
        10, ge=3, description="Database connections a process may hold."
    )
    redis_url: str | None = Field(None, description="redis://…; unset: embedded Valkey.")
    valkey_max_bytes: int = Field(
        VALKEY_MAX_BYTES,
        ge=32 * 1024**2,
        description="Memory of the embedded Valkey; full, it drops the oldest event logs first.",
    )
    broker_url: str | None = Field(
        None, description="Celery broker, redis://… or amqp://…; unset: the Redis URL."
    )

    secret_key: SecretStr | None = Field(
        None,
        description="Seals secrets at rest; several, separated by commas: the first seals, all "
        "open. Unset: made once and kept in the data directory.",
    )
    blob_url: str | None = Field(
        None,
        description="s3://bucket/prefix for object storage; unset: files in the data directory.",
    )
    blob_endpoint_url: str | None = Field(None, description="Endpoint of S3-compatible storage.")

    chat_model: str = Field(
        OFFLINE_CHAT_MODEL,
        description="Any litellm model name; openai/local for a model on this machine (make "
        "local-model); default: offline answerer.",
    )
    chat_base_url: str | None = Field(None, description="Base URL of the chat model's API.")
    chat_api_key: SecretStr | None = Field(None, description="Key for the chat model's API.")
    chat_timeout_seconds: float = Field(120, description="Longest wait for one model call.")
    chat_fallbacks: str = Field(
        "",
        description="Models, separated by commas, asked in turn where the chat model is "
        "unavailable or over its limit.",
    )
    rewrite_follow_ups: bool = Field(
        True,
        description="Whether the chat model makes a short follow-up whole before it is searched.",
    )
    local_model: str = Field(
        DEFAULT_LOCAL_MODEL,
        description="What make run serves as openai/local: a model of make local-model, or the "
        "path of a GGUF file.",
    )
    chat_threads: int = Field(
        0, ge=0, description="Threads of the local chat model; 0: one a core."
    )
    embedding_model: str = Field(
        PACKAGED_EMBEDDING_MODEL,
        description="The packaged model, a directory, or a hub name (the hub is then reached).",
    )
    embedding_threads: int = Field(1, description="Threads that embed questions, in a process.")
    embedding_worker_threads: int = Field(
        0, description="Threads that embed documents, in a worker; 0: one a core."
    )
    rerank_model: str | None = Field(
        None,
        description="Cross-encoder for searches that ask to rerank: a directory, or a hub name "
        "(the hub is then reached); unset: none.",
    )
    speech_to_text_model: str = Field(
        "local/whisper-base",
        description="What listens: the model that make voice-models gets, or any litellm name.",
    )
    text_to_speech_model: str = Field(
        "local/hibari",
        description="What speaks: the voice that make voice-models gets, or any litellm name.",
    )
    speech_base_url: str | None = Field(None, description="Base URL of the speech models' API.")
    speech_api_key: SecretStr | None = Field(None, description="Key for the speech models' API.")
    speech_timeout_seconds: float = Field(30, description="Longest wait for one speech call.")
    speech_threads: int = Field(2, description="Threads that listen, in a process.")
    voice_sessions: int = Field(8, description="Conversations by voice at once, in a process.")

    max_upload_bytes: int = Field(2 * 1024**3, description="Largest upload.")
    max_body_bytes: int = Field(10 * 1024**2, description="Largest JSON body.")
    webhook_max_bytes: int = Field(1024**2, description="Largest body of a webhook.")
    mail_max_bytes: int = Field(
        20 * 1024**2, description="Largest mail that a mailbox's trigger reads whole."
    )
    webhook_form_max_bytes: int = Field(
        25 * 1024**2, description="Largest multipart body of a webhook, with its files."
    )
    parse_timeout_seconds: float = Field(600, description="Longest parse of one page window.")
    parse_memory_bytes: int = Field(3 * 1024**3, description="Memory limit of the parser process.")
    parse_max_pages: int = Field(5000, description="Most pages read of one document.")
    ocr_languages: str = Field("eng", description="Tesseract languages, joined by '+'.")

    outgoing_allow: str = Field(
        "",
        description="Private hosts, addresses or CIDRs, each with :port or without, separated by "
        "commas, that workflows and tools may call; all others that are not public are refused.",
    )
    outgoing_timeout_seconds: float = Field(30, description="Longest outgoing call, unless said.")
    outgoing_max_bytes: int = Field(10 * 1024**2, description="Largest answer to one, unless said.")
    gmail_base_url: str = Field("https://gmail.googleapis.com", description="Gmail API.")
    google_token_url: str = Field(
        "https://oauth2.googleapis.com/token", description="Where Google's tokens are renewed."
    )
    slack_base_url: str = Field("https://slack.com/api", description="Slack Web API.")
    openai_base_url: str = Field(
        "https://api.openai.com/v1", description="API of the openai_complete tool."
    )
    web_search_provider: Literal["searxng", "brave", "tavily", "serper"] | None = Field(
        None, description="Search of web_search for workspaces without a secret of their own."
    )
    web_search_api_key: SecretStr | None = Field(
        None, description="Key of that provider; SearXNG needs none."
    )
    searxng_url: str | None = Field(
        None, description="A SearXNG instance with json among its search.formats."
    )
    brave_base_url: str = Field("https://api.search.brave.com", description="Brave Search API.")
    tavily_base_url: str = Field("https://api.tavily.com", description="Tavily API.")
    serper_base_url: str = Field("https://google.serper.dev", description="Serper API.")

    default_plan: Literal["free", "pro", "enterprise"] = Field(
        "free", description="Plan of a new workspace."
    )
    sign_up: Literal["open", "closed"] = Field(
        "open",
        description="Who may make an account: open lets anybody, closed the first user only.",
    )
    run_retention_days: int = Field(
        0, ge=0, description="Days that runs and their logs are kept after their end; 0: always."
    )
    anonymous_requests_per_minute: int = Field(
        600, description="Requests a minute from one address without credentials; -1: no limit."
    )
    signups_per_address: int = Field(
        30, description="Accounts one address may make in 15 minutes; -1: no limit."
    )
    session_days: int = Field(30, description="Days until an idle session ends.")
    access_token_minutes: int = Field(15, description="Minutes that a bearer token works.")
    refresh_token_days: int = Field(30, description="Days in which one can be refreshed.")
    oauth_providers: dict[str, OAuthProvider] = Field(
        {},
        description='Sign-in by others, as JSON: {"name": {"issuer", "clientId", "clientSecret", '
        '"scopes"}}; they send back to /api/auth/callback/name.',
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="smtp://user:password@host:port (STARTTLS) or smtps://… for mail; unset: links "
        "are shown on the terminal of a development run, and no "
        "password is reset by mail in production.",
    )
    mail_from: str = Field("Nuxa Flow <no-reply@localhost>", description="Sender of mail.")
    lease_seconds: float = Field(15, description="A job whose holder is silent longer is retaken.")

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: str) -> str:
        for each in split_list(value):
            ip_network(each, strict=False)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: str) -> str:
        for each in split_list(value):
            if each != ANY_ORIGIN and not _ORIGIN.fullmatch(each):
                raise ValueError(f"{each} is not an origin; write scheme://host[:port] or *")
        return value

    @model_validator(mode="after")
    def _read_former_local_name(self) -> Self:
        """Take ``NUXA_CHAT_MODEL=local/NAME``, as it was written before, for ``openai/local``."""
        if self.chat_model.startswith(_FORMER_LOCAL_PREFIX):
            self.local_model = self.chat_model.removeprefix(_FORMER_LOCAL_PREFIX)
            self.chat_model = LOCAL_CHAT_MODEL
        return self

    @property
    def allowed_origins(self) -> list[str]:
        """Origins of other sites whose pages may call the API, in lower case."""
        return [each.lower() for each in split_list(self.cors_origins)]

    @property
    def is_offline_chat(self) -> bool:
        """Whether the built-in extractive answerer is in use."""
        return self.chat_model == OFFLINE_CHAT_MODEL

    @property
    def wants_embedded_model(self) -> bool:
        """Whether a local chat model is to run here, and not at an address that is set."""
        return self.chat_model == LOCAL_CHAT_MODEL and self.chat_base_url is None

    @property
    def base_url(self) -> str:
        """URL under which callers reach the API, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def split_list(value: str) -> list[str]:
    """Return the parts of a setting that commas separate."""
    return [part.strip() for part in value.split(",") if part.strip()]


@lru_cache
def get_settings() -> Settings:
    """Return the process's settings, read once."""
    return Settings()


def forbid_phoning_home(settings: Settings) -> None:
    """Have libraries ask no model hub, unless a model has to come from one.

    Call before importing transformers; ``core.telemetry`` has the switches that no setting changes.
    """
    models = (settings.embedding_model, settings.rerank_model or PACKAGED_EMBEDDING_MODEL)
    if all(name == PACKAGED_EMBEDDING_MODEL or Path(name).is_dir() for name in models):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
