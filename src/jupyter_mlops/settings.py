"""What can be set, and what is valid: the tables of ``mlops.toml``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .limits import ValidationSettings, is_threshold
from .rules import MonitorSettings, check_ways
from .ways import AlertSettings


def _is_http(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        raise ValueError(f"{uri!r} is no MLflow server; write http://host:port, or leave it out to get one of your own")
    if "@" in uri.split("//", 1)[1].split("/", 1)[0]:
        raise ValueError(
            "a password does not belong here; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment"
        )
    return uri.rstrip("/")


class GateSettings(BaseModel):
    """``[gates.MODEL]``: bounds on metrics by their names, as ``auc = ">= 0.9"``, and what else a promotion takes.

    Attributes
    ----------
    approvals : int
        How many other people must have approved the version.
    data, model : "pass", optional
        The report of the data of the version's run, or of the version, must have passed, and still fit.
    checks : list of str
        Single checks that must: codes, such as MV002, and names of those that were written in cells.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Annotated[str, AfterValidator(is_threshold)]] = Field(init=False)

    approvals: Annotated[int, Field(ge=0, strict=True)] = 0
    data: Literal["pass"] | None = None
    model: Literal["pass"] | None = None
    checks: list[Annotated[str, Field(min_length=1)]] = []

    @property
    def bounds(self) -> dict[str, str]:
        """The bounds on metrics."""
        return dict(self.__pydantic_extra__)

    def __str__(self) -> str:
        asked = [f"approvals {self.approvals}"] if self.approvals else []
        asked += [f"{kind} pass" for kind in ("data", "model") if getattr(self, kind)]
        asked += [f"{name} pass" for name in self.checks]
        return ", ".join([*asked, *(f"{name} {bound}" for name, bound in sorted(self.bounds.items()))])


class PolicySettings(BaseModel):
    """``[policy]``: which models an endpoint loads.

    Attributes
    ----------
    models : str
        ``"any"`` that runs no code when it is loaded, or only what the project's key has ``"signed"``.
    pickle : str
        Pickles are ``"refused"``, or loaded where the project's key has ``"signed"`` them.
    key : str, optional
        The file with the public key of the project, from the folder of mlops.toml; by default that of this machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Literal["any", "signed"] = "any"
    pickle: Literal["refused", "signed"] = "refused"
    key: str | None = None

    def __str__(self) -> str:
        return f"models {self.models}, pickle {self.pickle}" + (f", key {self.key}" if self.key else "")


class LogSettings(BaseModel):
    """``[endpoints.NAME.log]``: what an endpoint remembers of its predictions, and for how long.

    Attributes
    ----------
    days : int
        How long a prediction is kept.
    megabytes : int
        How large the log may grow before the oldest are removed.
    drop, hash : list of str
        Columns that are marked as personal: left out, or kept as a keyed hash.
    enabled : bool
        Whether predictions are remembered at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int, Field(ge=1, le=36_500, strict=True)] = 30
    megabytes: Annotated[int, Field(ge=1, strict=True)] = 1024
    drop: list[str] = []
    hash: list[str] = []
    enabled: Annotated[bool, Field(strict=True)] = True

    @model_validator(mode="after")
    def _either_or(self) -> Self:
        if both := sorted({*self.drop} & {*self.hash}):
            raise ValueError(f"{both[0]!r} can't be both left out and hashed")
        return self

    def __str__(self) -> str:
        if not self.enabled:
            return "no log"
        personal = [f"{word} {', '.join(names)}" for word, names in (("drop", self.drop), ("hash", self.hash)) if names]
        return ", ".join([f"log of {self.days} days and {self.megabytes} MB", *personal])


class AutoSettings(BaseModel):
    """``[endpoints.NAME.auto]``: when ``--auto`` promotes a canary or a shadow, and when it takes it away.

    Attributes
    ----------
    requests : int
        How many requests it must have had before it is promoted.
    error_rate : float
        By how much the share of its requests that were not answered (4xx and 5xx) may exceed the champion's.
    latency : float
        How many times the champion's 95th percentile its own may be.
    agreement : float
        Of a shadow: the least share of its answers that are the champion's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[int, Field(ge=1, strict=True)] = 500
    error_rate: Annotated[float, Field(ge=0, le=1)] = 0.01
    latency: Annotated[float, Field(gt=0, le=1000)] = 2.0
    agreement: Annotated[float, Field(ge=0, le=1)] = 0.9

    def __str__(self) -> str:
        given = [f"{name} {getattr(self, name):g}" for name in sorted(self.model_fields_set)]
        return f"auto by {', '.join(given)}" if given else ""


class PrivacySettings(BaseModel):
    """``[privacy]``: which columns hold data of people, whatever table they are in.

    Attributes
    ----------
    personal : list of str
        Names of columns. Examples of models have stand-ins for their values, the logs of endpoints hashes, and records of
        data no digest of theirs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    personal: list[Annotated[str, Field(min_length=1)]] = []

    def __str__(self) -> str:
        return f"personal {', '.join(self.personal)}" if self.personal else "nothing is marked as personal"


class GuardSettings(BaseModel):
    """``[guard]``: whether the MLflow server itself holds the gate, against whatever client.

    Attributes
    ----------
    enabled : bool
        Whether the project's own server starts with the guard; a team's server does with
        ``mlflow server --app-name jupyter-mlops-guard``.
    aliases : list of str
        The aliases that it protects.
    forced : bool
        Whether it lets through what the gate has not, where the audit has a reason for it (``promote --force --reason``).
        Whoever can write to the server can write that, so this is off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: Annotated[bool, Field(strict=True)] = False
    aliases: list[Annotated[str, Field(pattern=r"^[\w-]+$")]] = ["champion"]
    forced: Annotated[bool, Field(strict=True)] = False

    def __str__(self) -> str:
        if not self.enabled:
            return "not asked for"
        return f"protects {', '.join(self.aliases)}" + (", forced promotions pass" if self.forced else "")


class EndpointSettings(BaseModel):
    """``[endpoints.NAME]``: how an endpoint behaves.

    Attributes
    ----------
    timeout : float
        Seconds that a prediction may take before its process is taken for hung, and started again.
    start_timeout : float
        Seconds that a version may take until it has answered its own example.
    smoke_latency : float, optional
        Seconds that a new version may take for one answer to its own example; by default ``timeout``.
    memory : int
        Megabytes that each of its processes may take.
    max_megabytes, max_rows : int
        What one request may have.
    max_waiting : int
        Requests that may be under way at once.
    auth : bool
        Whether it asks for a key, as ``deploy --auth`` does.
    hosts : list of str
        More names that clients may call it by, such as that of a proxy before it.
    log : LogSettings
    auto : AutoSettings
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    start_timeout: Annotated[float, Field(gt=0, le=3600)] = 60.0
    smoke_latency: Annotated[float, Field(gt=0, le=3600)] | None = None
    memory: Annotated[int, Field(ge=256, strict=True)] = 8192
    max_megabytes: Annotated[int, Field(ge=1, le=1024, strict=True)] = 10
    max_rows: Annotated[int, Field(ge=1, le=100_000_000, strict=True)] = 50_000
    max_waiting: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 1000
    auth: Annotated[bool, Field(strict=True)] = False
    hosts: list[str] = []
    log: LogSettings = LogSettings()
    auto: AutoSettings = AutoSettings()

    def __str__(self) -> str:
        given = {name: getattr(self, name) for name in self.model_fields_set - {"log", "auto"}}
        told = [*(f"{name} {_shown(value)}" for name, value in sorted(given.items())), str(self.log), str(self.auto)]
        return ", ".join(filter(None, told))


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


class Settings(BaseModel):
    """One frozen, validated object.

    Attributes
    ----------
    tracking_uri : str, optional
        The team's MLflow server. Without it the project starts a server of its own.
    experiment : str
        Where runs go.
    user : str, optional
        Who the audit names; by default the login name.
    timeout : float
        Seconds that one request to the MLflow server may take.
    policy : PolicySettings
        Which models an endpoint loads.
    gates : dict of str to GateSettings
        What a version of each model must show to be promoted.
    endpoints : dict of str to EndpointSettings
        How each endpoint behaves.
    guard : GuardSettings
        Whether the server itself holds the gates.
    privacy : PrivacySettings
        The columns that are marked as personal.
    validation : ValidationSettings
        The limits of the checks of data and of models, and which ones are ignored.
    monitor : dict of str to MonitorSettings
        What rings at each endpoint.
    alerts : AlertSettings
        Where that is told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracking_uri: Annotated[str, AfterValidator(_is_http)] | None = None
    experiment: Annotated[str, Field(min_length=1, max_length=250)] = "Default"
    user: str | None = None
    timeout: Annotated[float, Field(gt=0, le=600)] = 4.0
    policy: PolicySettings = PolicySettings()
    gates: dict[str, GateSettings] = {}
    endpoints: dict[str, EndpointSettings] = {}
    guard: GuardSettings = GuardSettings()
    privacy: PrivacySettings = PrivacySettings()
    validation: ValidationSettings = ValidationSettings()
    monitor: dict[str, MonitorSettings] = {}
    alerts: AlertSettings = AlertSettings()

    @model_validator(mode="after")
    def _alerts_go_somewhere(self) -> Self:
        check_ways(self.alerts, self.monitor)
        return self

    def monitored(self, endpoint: str) -> MonitorSettings:
        """Give what rings at an endpoint; the defaults where nothing is set."""
        return self.monitor.get(endpoint, MonitorSettings())

    def gate(self, model: str) -> GateSettings:
        """Give the gate of a model; one without bounds where there is none."""
        return self.gates.get(model, GateSettings())

    def endpoint(self, name: str) -> EndpointSettings:
        """Give the settings of an endpoint; the defaults where there are none."""
        return self.endpoints.get(name, EndpointSettings())
