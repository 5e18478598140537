"""What all routes have in common: who may ask, about which project, and how an error is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from ..errors import InvalidUsage, MlopsError
from .answers import Forbidden, as_json, problem

if TYPE_CHECKING:
    from .project import Project
    from .projects import Projects

ROOT: Final = "jupyter-mlops"
_Method = TypeVar("_Method", bound=Callable[..., Any])
_LONGEST: Final = 10_000  # characters of an argument
_DIGITS: Final = 9  # of a number: int() refuses to read thousands


class Face(APIHandler):
    """A route; ``at`` says which project is meant."""

    auth_resource = ROOT
    _mine: asyncio.Task[Any] | None = None  # what ends where who asked has gone
    _track_activity = False  # a page that only looks shall not keep a server awake that a hub would end

    @property
    def projects(self) -> Projects:
        """All projects of this server."""
        return self.settings["jupyter_mlops"]  # type: ignore[no-any-return]

    @property
    def project(self) -> Project:
        """The project that is asked about."""
        return self.projects.at(self.argument("at"))

    def argument(self, name: str) -> str | None:
        """Read an argument of the address."""
        given = self.request.query_arguments.get(name)  # as it came: tornado's own way makes a blank of a NUL
        return plain(text(given[-1], name), name) if given else None

    def number(self, name: str, default: int, most: int) -> int:
        """Read a whole number between 1 and ``most``."""
        given = self.argument(name)
        if given is None:
            return default
        if not given.isdecimal() or len(given) > _DIGITS or not 1 <= int(given) <= most:
            raise InvalidUsage(f"{name} must be from 1 to {most}, not {given[:40]!r}.", f"{name}={default}")
        return int(given)

    def flag(self, name: str) -> bool | None:
        """Read a yes or a no."""
        given = self.argument(name)
        if given is None:
            return None
        if given not in ("true", "false"):
            raise InvalidUsage(f"{name} must be true or false, not {given[:40]!r}.", f"{name}=true")
        return given == "true"

    async def may(self, action: str, mend: str = "ask whoever runs this Jupyter server") -> None:
        """Make sure that who asks may do something more.

        Raises
        ------
        Forbidden
            Where the server's own rules say no.
        """
        asked = self.authorizer.is_authorized(self, self.current_user, action, self.auth_resource)
        if not await ensure_async(asked):
            raise Forbidden(f"You may not {action} here.", mend)

    def answer(self, found: object) -> None:
        """Give what was found."""
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(as_json(found))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell an error of ours with its code and what mends it, and any other without what is inside."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, MlopsError):
            self.set_status(error.status)
            said = problem(error)
        elif status_code == HTTPStatus.FORBIDDEN and self._is_nobody():
            said = {
                "code": "Unauthorised",
                "message": "The Jupyter server does not know who asks.",
                "hint": "log in again, or reload the page with its token",
            }
        elif isinstance(error, HTTPError):
            reason = error.log_message or error.reason or HTTPStatus(status_code).phrase
            said = {"code": HTTPStatus(status_code).phrase.replace(" ", ""), "message": str(reason), "hint": None}
        else:
            said = {
                "code": "Internal",
                "message": "The server failed.",
                "hint": "the log of the Jupyter server says more",
            }
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(as_json(said))

    def _is_nobody(self) -> bool:
        known = getattr(self, "_jupyter_current_user", None)  # current_user raises where nobody has been looked for
        return known is None and self.check_host()  # to other hosts even who is logged in is nobody

    # Here and not in Awaited: Tornado keeps this method when the connection begins, before a door has become who answers.
    def on_connection_close(self) -> None:
        """Stop where nobody waits any more."""
        if self._mine is not None:
            self._mine.cancel()

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Write only what nobody has foreseen into the log."""
        if not isinstance(error, MlopsError):
            super().log_exception(kind, error, trace)


class Awaited(Face):
    """A route that works only while somebody waits for it."""

    @asynccontextmanager
    async def awaited(self) -> AsyncIterator[None]:
        """Do something that ends where who asked has gone."""
        self._mine = asyncio.current_task()
        try:
            yield
        except (StreamClosedError, asyncio.CancelledError):
            pass
        finally:
            self._mine = None


def plain(text: str, what: str) -> str:
    """Take a text that came in an address.

    Raises
    ------
    InvalidUsage
        Where it has a NUL, goes up a folder, or has no end.
    """
    if "\0" in text or text in (".", "..") or len(text) > _LONGEST:
        raise InvalidUsage(f"{what} can't be {text[:40]!r}.", None)
    return text


def text(given: bytes, what: str) -> str:
    """Read an argument as it came.

    Raises
    ------
    InvalidUsage
        Where it is none in UTF-8.
    """
    try:
        return given.decode()
    except UnicodeDecodeError:
        raise InvalidUsage(f"{what} is no text in UTF-8.", None) from None


def allowed(action: str) -> Callable[[_Method], _Method]:
    """Answer only who is logged in, and may do this by the server's own rules."""

    def guarded(method: _Method) -> _Method:
        return cast("_Method", authenticated(authorized(action)(method)))

    return guarded
