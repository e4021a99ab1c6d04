"""Every setting of Concert, in the one place from which the README's table is checked."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]
LogLevel = Annotated[str, StringConstraints(to_upper=True, pattern=r"(?i)^(debug|info|warning|error)$")]


def home() -> Path:
    """Root's data are the machine's, and PostgreSQL, which never runs as root, may enter that place."""
    return Path("/var/lib/concert") if os.geteuid() == 0 else Path(".concert")


class Settings(BaseSettings):
    """Read from `CONCERT_*` variables, then `.env` in the working directory; a wrong value ends the start.

    An empty URL or address means: the embedded server, under `data_dir`. URLs hold passwords: they stay out
    of the representation and of errors.
    """

    model_config = SettingsConfigDict(
        env_prefix="CONCERT_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        default_factory=home,
        description="Where the embedded servers keep everything; one running instance per directory. "
        "For root: `/var/lib/concert`.",
    )
    database_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL for the API, login `concert_api`. Empty: the embedded server.",
    )
    engine_database_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL for worker and relay, login `concert_engine`. Empty: the embedded server.",
    )
    admin_database_url: str = Field(
        default="",
        repr=False,
        description="PostgreSQL for migrations and seed, a login that may create roles. Empty: the embedded server.",
    )
    listen_url: str = Field(
        default="",
        repr=False,
        description="Direct connection for LISTEN, past a transaction pooler. Empty: the engine's URL.",
    )
    temporal_address: str = Field(
        default="",
        description="Temporal's frontend, `host:port`. Empty: the embedded server.",
    )
    temporal_namespace: str = Field(
        default="concert",
        min_length=1,
        description="Temporal namespace; it has to exist unless the server is embedded.",
    )
    oidc_issuer: str = Field(
        default="",
        description="Issuer of the tokens that people bring. Empty: the development issuer, for one machine only.",
    )
    oidc_audience: str = Field(
        default="concert",
        min_length=1,
        description="Audience that a token must name.",
    )
    http_host: str = Field(
        default="127.0.0.1",
        description="Address on which the API listens, and the metrics of worker and relay.",
    )
    http_port: Port = Field(default=8000, description="Port of the API; 0 takes any free one.")
    postgres_port: Port = Field(default=0, description="Port of the embedded PostgreSQL; 0 takes any free one.")
    temporal_port: Port = Field(default=0, description="Port of the embedded Temporal; 0 takes any free one.")
    temporal_ui_port: Port | None = Field(
        default=None,
        description="Port of Temporal's own pages when embedded; 0: any free one, unset: no pages.",
    )
    metrics_port: Port | None = Field(
        default=None,
        description="Port for Prometheus of worker and relay, with Temporal's own metrics; "
        "0: any free one, unset: none. The API has `/metrics`.",
    )
    otlp_endpoint: Annotated[str, StringConstraints(pattern=r"^(https?://.+)?$")] = Field(
        default="",
        description="Where traces go, by OTLP over HTTP, such as `http://127.0.0.1:4318`. Empty: no traces.",
    )
    smtp_url: str = Field(
        default="",
        repr=False,
        description="SMTP server that takes mail: `smtp://` (TLS wherever it is offered; `?tls=required` insists) or "
        "`smtps://`, with user, password, host and port. Empty: no mail is sent.",
    )
    mail_from: str = Field(default="concert@localhost", min_length=3, description="From whom mail comes.")
    public_url: str = Field(
        default="", description="Under which address people reach the API, for the links in mail. Empty: mail has none."
    )
    link_secret: str = Field(
        default="",
        repr=False,
        description="Signs the one-use links in mail; the same for API and relay. Empty: made once in the data "
        "directory, where a process knows both database addresses, else mail has no such links.",
    )
    rate_limit: Annotated[float, Field(ge=0)] = Field(
        default=50.0, description="Requests a second that one person may make on average; 0 limits nobody."
    )
    log_level: LogLevel = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("database_url", "engine_database_url", "admin_database_url", "listen_url")
    @classmethod
    def _names_postgres(cls, url: str) -> str:
        if url and not re.match(r"postgres(ql)?(\+psycopg)?://", url):
            raise ValueError("it has to begin with postgresql+psycopg://")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _names_smtp(cls, url: str) -> str:
        if url and not re.match(r"smtps?://[^/?#]", url):
            raise ValueError("it has to begin with smtp:// or smtps:// and name a host")
        return url

    @field_validator("public_url")
    @classmethod
    def _names_http(cls, url: str) -> str:
        if url and not re.match(r"https?://[^/?#\s]+[^?#\s]*$", url):
            raise ValueError("it has to begin with https:// or http:// and name a host")
        return url.rstrip("/")

    @field_validator("mail_from")
    @classmethod
    def _names_sender(cls, address: str) -> str:
        if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", address):
            raise ValueError("it has to be one address, as in concert@example.org")
        return address

    @property
    def embeds_postgres(self) -> bool:
        """Whether PostgreSQL is ours to start: no URL names another one."""
        return not (self.database_url or self.engine_database_url or self.admin_database_url)

    @property
    def embeds_temporal(self) -> bool:
        """Whether Temporal is ours to start: no address names another one."""
        return not self.temporal_address


def listen_url(settings: Settings) -> str:
    """The URL for LISTEN: the setting, else the engine's own."""
    return settings.listen_url or settings.engine_database_url
