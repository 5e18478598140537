"""Where alerts are told: ``[alerts]`` of ``mlops.toml``. A secret is named by its variable of the environment, and never written there."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Sink = Literal["log", "webhook", "email", "command"]
"""A way to tell."""


def _is_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url) or "@" in url.split("/")[2]:
        raise ValueError("it should be an address as https://host/path; what is secret in it belongs into url_env")
    return url


Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
"""The name of a variable of the environment: a secret itself does not belong into the file."""


class WebhookSettings(BaseModel):
    """``[alerts.webhook]``: where alerts are posted as JSON.

    Attributes
    ----------
    url : str, optional
        Where to; or ``url_env``, the variable that has it, where the address itself is a secret.
    secret_env : str, optional
        The variable with the key of the signature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_is_address)] | None = None
    url_env: Variable | None = None
    secret_env: Variable | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError('it takes one of url = "https://…" and url_env = "NAME"')
        return self

    def __str__(self) -> str:
        return "webhook" + (", signed" if self.secret_env else "")


class EmailSettings(BaseModel):
    """``[alerts.email]``: who gets a letter, by way of which server.

    Attributes
    ----------
    to : list of str
    sender : str
    host : str
    port : int
    security : {"starttls", "tls", "none"}
        ``none`` takes no password.
    user : str, optional
    password_env : str, optional
        The variable with the password.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: Annotated[list[Annotated[str, Field(pattern=r"^[^@\s,<>]+@[^@\s,<>]+$")]], Field(min_length=1, max_length=50)]
    sender: Annotated[str, Field(pattern=r"^[^@\s,<>]+@[^@\s,<>]+$")]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535, strict=True)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_env: Variable | None = None

    @model_validator(mode="after")
    def _no_open_password(self) -> Self:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("user and password_env go together")
        if self.security == "none" and self.password_env:
            raise ValueError('a password is not sent in the open: security = "starttls"')
        return self

    def __str__(self) -> str:
        return f"email to {len(self.to)}"


class CommandSettings(BaseModel):
    """``[alerts.command]``: a program that gets each alert as JSON on its standard input.

    Attributes
    ----------
    run : list of str
        The program and its arguments; there is no shell.
    timeout : float
        Seconds that it may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Annotated[list[str], Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0, le=60)] = 5.0

    def __str__(self) -> str:
        return "command"


class LogfileSettings(BaseModel):
    """``[alerts.log]``: a line for each alert.

    Attributes
    ----------
    file : str
        From the folder of mlops.toml.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Annotated[str, Field(min_length=1)] = ".mlops/monitoring/alerts.log"

    def __str__(self) -> str:
        return f"log {self.file}"


class AlertSettings(BaseModel):
    """``[alerts]``: the ways to tell.

    Attributes
    ----------
    log : LogfileSettings
    webhook : WebhookSettings, optional
    email : EmailSettings, optional
    command : CommandSettings, optional
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    log: LogfileSettings = LogfileSettings()
    webhook: WebhookSettings | None = None
    email: EmailSettings | None = None
    command: CommandSettings | None = None

    @property
    def ways(self) -> tuple[Sink, ...]:
        """Those that are set up."""
        names: tuple[Sink, ...] = ("log", "webhook", "email", "command")
        return tuple(name for name in names if getattr(self, name) is not None)

    def __str__(self) -> str:
        return ", ".join(str(getattr(self, name)) for name in self.ways)
