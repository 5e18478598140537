"""Hands a request to the version that is to answer it, and its answer to the shadow."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ..wire import ARROW, MAX_BYTES, Frame
from .figures import Figures
from .links import ModelGone
from .messages import JSON, Refusal, Reply, Request
from .routing import Arm, Routing

_TAGS: Final = 1024  # bytes of tags that are kept
_SHADOWS: Final = 64  # requests that a shadow may be behind
_PATIENCE: Final = 10.0  # seconds that a request waits for a process that is being started again


@dataclass(frozen=True)
class Limits:
    """What a client may ask at the most."""

    body: int = MAX_BYTES
    waiting: int = 1000


class Dispatcher:
    """What stands between the paths and the model processes.

    Attributes
    ----------
    waiting : int
        Requests that are under way.
    figures : dict
        What is counted, by role and version.
    refusals : Counter
        Answers that no version has seen, by their status.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting = 0
        self.figures: dict[tuple[str, str], Figures] = {}
        self.refusals: Counter[int] = Counter()
        self._routing: Routing | None = None
        self._changed = asyncio.Event()

    @property
    def routing(self) -> Routing | None:
        """Who answers now."""
        return self._routing

    @routing.setter
    def routing(self, routing: Routing) -> None:
        self._routing = routing
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def version(self) -> str:
        """The version that answers, where no canary does."""
        return self._routing.champion.version if self._routing else ""

    def figures_of(self, role: str, version: str) -> Figures:
        """Give what is counted of a version in a role; it goes on where it was when the version comes back."""
        return self.figures.setdefault((role, version), Figures())

    def there(self) -> Routing:
        """Give who answers now.

        Raises
        ------
        Refusal
            Where nobody does.
        """
        if self._routing is None or not any(link.is_open for link in self._routing.champion.links):
            raise _unavailable()
        return self._routing

    async def ask(
        self,
        request: Request,
        more: dict[str, Any] | None = None,
        choose: Callable[[Routing], Arm | None] | None = None,
    ) -> Reply:
        """Let a version answer a request.

        Parameters
        ----------
        request : Request
        more : dict, optional
            What the model process is to know beside id, type and time.
        choose : callable, optional
            Picks the version, where it is not left to the request's id.

        Raises
        ------
        Refusal
            Where too many wait already, or the model is not there.
        """
        if self.waiting >= self.limits.waiting:
            message = f"{self.waiting} requests are waiting already."
            raise Refusal(503, "QUEUE_FULL", message, ("retry-after", "1"))
        about = _about(request)
        if more:
            about |= more
        self.waiting += 1
        try:
            try:
                routing, arm, asked = self._send(request, about, choose)
            except ModelGone:
                routing, arm, asked = await self._send_patiently(request, about, choose)
            request.version = arm.version
            begin = time.perf_counter()
            try:
                answer = await asked
            except ModelGone:
                arm.figures.count(503)
                return request.refused(_unavailable())
        finally:
            self.waiting -= 1
        reply = _reply(answer)
        arm.figures.count(reply.status, time.perf_counter() - begin, answer.about.get("rows", 0))
        if routing.shadow is not None and reply.status == 200:
            asyncio.get_running_loop().call_soon(_shadow, routing.shadow, about, request.body, answer.body)
        return reply

    def _send(
        self, request: Request, about: dict[str, Any], choose: Callable[[Routing], Arm | None] | None
    ) -> tuple[Routing, Arm, asyncio.Future[Frame]]:
        routing = self._routing
        if routing is None:
            raise ModelGone
        arm = (choose and choose(routing)) or routing.choose(request.id)
        about["role"] = arm.role
        return routing, arm, arm.link().ask(about, request.body)

    async def _send_patiently(
        self, request: Request, about: dict[str, Any], choose: Callable[[Routing], Arm | None] | None
    ) -> tuple[Routing, Arm, asyncio.Future[Frame]]:
        """Wait for another process to take part, and try again."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            changed = self._changed
            try:
                return self._send(request, about, choose)
            except ModelGone:
                left = deadline - asyncio.get_running_loop().time()
                try:
                    await asyncio.wait_for(changed.wait(), left)
                except TimeoutError:
                    raise _unavailable() from None


def _reply(answer: Frame) -> Reply:
    """Read what a model process answers; it is not trusted to write headers of its own into ours."""
    about = answer.about
    media_type, headers = about["type"], about.get("headers")
    if media_type == JSON and not headers:
        return Reply(about["status"], answer.body)
    pairs = list((headers or {}).items())
    if not all(text.isascii() and text.isprintable() for pair in [("", media_type), *pairs] for text in pair):
        raise ValueError("A header has more than one line.")
    return Reply(about["status"], answer.body, media_type, pairs)


def _about(request: Request) -> dict[str, Any]:
    media_type = request.headers.get(b"content-type")
    about: dict[str, Any] = {
        "id": request.id,
        "type": None if media_type is None else media_type.decode("latin-1"),
        "time": time.time(),
    }
    if ARROW.encode() in request.headers.get(b"accept", b""):
        about["accept"] = ARROW
    if tags := request.headers.get(b"x-request-tags"):
        about["tags"] = tags[:_TAGS].decode("latin-1")
    return about


def _shadow(arm: Arm, about: dict[str, Any], body: bytes, given: bytes) -> None:
    """Ask the shadow what has just been answered: never before, and not when it is behind."""
    try:
        link = arm.link()
        if link.waiting >= _SHADOWS:
            arm.figures.dropped += 1
            return
        asked = link.ask(about | {"role": arm.role}, body)
    except ModelGone:
        arm.figures.count(503)
        return
    begin = time.perf_counter()

    def compare(done: asyncio.Future[Frame]) -> None:
        if done.cancelled() or done.exception() is not None:
            arm.figures.count(503)
            return
        answer = done.result()
        arm.figures.count(answer.about["status"], time.perf_counter() - begin, answer.about.get("rows", 0))
        if answer.about["status"] == 200:
            arm.figures.compare(given, answer.body)

    asked.add_done_callback(compare)


def _unavailable() -> Refusal:
    return Refusal(503, "MODEL_UNAVAILABLE", "The model is being started again.", ("retry-after", "1"))
