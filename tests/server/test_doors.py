"""Who may ask what: every route, and each way to ask what one may not."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from jupyter_mlops.command import commands
from jupyter_mlops.server.routes import routes

from .conftest import Ask

GETS = [
    "status", "experiments", "runs", "runs/3f", "compare", "models", "models/m", "endpoints", "endpoints/e", "alerts", "commands",
    "events", "openapi.json",
]  # fmt: skip
POSTS = ["commands/runs", "commands/promote"]
EVERY = [*GETS, *POSTS]
PATHS = ["../x.ipynb", "/etc/passwd", "a/../../b", "a\0b", "..\\x"]


class ReadOnly(Authorizer):
    """An administrator's rule: look, and touch nothing."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read" or resource != "jupyter-mlops"


class NoWriting(ReadOnly):
    """Commands, but none that changes something."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action in ("read", "execute") or resource != "jupyter-mlops"


class NoReading(Authorizer):
    """Everything but ours."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "jupyter-mlops"


class AskedElsewhere(NoWriting):
    """A rule that is kept elsewhere, and so is waited for: what is not awaited would pass for a yes."""

    async def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return super().is_authorized(handler, user, action, resource)


# All other commands write, send, ask a model or start something.
READS = {"audit", "compare", "doctor", "drift", "help", "history", "lineage", "logs", "models", "runs", "status"}


def _config(rules: type[Authorizer]) -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlops": True}, "authorizer_class": rules}}


def _body(route: str) -> Any:
    return {} if route in POSTS else None


def test_each_route_is_in_this_table() -> None:
    patterns = [path.removeprefix("/jupyter-mlops/") for path, _ in routes()]
    assert [path for path in patterns if not any(re.fullmatch(path, route) for route in EVERY)] == []


async def test_nobody_is_answered_without_a_token(ask: Ask) -> None:
    for route in EVERY:
        said = await ask(route, _body(route), with_token=False)
        assert (said.status, said.body["code"], "initialised" in str(said.body)) == (403, "Unauthorised", False), route


async def test_other_hosts_are_not_answered(ask: Ask) -> None:
    for route in EVERY:
        said = await ask(route, _body(route), headers={"Host": "evil.example"})
        assert (said.status, said.body["code"]) == (403, "Forbidden"), route


async def test_a_cookie_is_enough_to_read_but_not_for_pages_of_others(ask: Ask, jp_serverapp: Any) -> None:
    cookie = await _cookie(ask, jp_serverapp)
    evil = {"Cookie": cookie, "Origin": "https://evil.example"}
    for route in GETS:
        if route != "events":  # which has no end
            mine = await ask(route, with_token=False, headers={"Cookie": cookie})
            assert mine.status in (200, 400, 404), (route, mine.body)
        assert (await ask(route, with_token=False, headers=evil)).status == 404, route
    for route in POSTS:
        without_xsrf = await ask(route, {}, with_token=False, headers={"Cookie": cookie})
        assert (without_xsrf.status, "_xsrf" in str(without_xsrf.body)) == (403, True)
        assert (await ask(route, {}, with_token=False, headers=evil | {"X-XSRFToken": "x"})).status in (403, 404)


class TestNoReading:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return _config(NoReading)

    async def test_who_may_not_read_is_told_nothing(self, ask: Ask) -> None:
        for route in EVERY:
            said = await ask(route, _body(route))
            assert (said.status, said.body["code"], list(said.body)) == (403, "Forbidden", ["code", "message", "hint"])


class TestReadOnly:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return _config(ReadOnly)

    async def test_who_may_read_may_not_call(self, ask: Ask) -> None:
        assert (await ask("status")).status == 200
        assert (await ask("compare", run=["last", "first"])).status == 403  # it is a command
        for key in commands():
            assert (await ask(f"commands/{key.replace(' ', '-')}", {})).status == 403


@pytest.mark.parametrize("rules", [NoWriting, AskedElsewhere])
class TestNoWriting:
    @pytest.fixture
    def jp_server_config(self, rules: type[Authorizer]) -> dict[str, Any]:
        return _config(rules)

    async def test_who_may_not_write_may_call_what_only_reads(self, ask: Ask) -> None:
        taken = []
        for key, command in commands().items():
            said = await ask(f"commands/{key.replace(' ', '-')}", {"": 0})  # no command gets as far as being called
            if said.status == 403:
                assert (said.body["code"], command.magic in said.body["hint"]) == ("Forbidden", True)
            elif "no parameter" in said.body["message"]:
                taken.append(key)
            else:  # it can't be called over REST by anybody
                assert (said.status, command.magic in said.body["hint"], "cell" in str(said.body)) == (400, True, True)
        assert set(taken) == READS
        assert (await ask("commands/audit", {"export": "x.jsonl"})).status == 403

    async def test_a_reading_command_is_called(self, ask: Ask) -> None:
        assert (await ask("commands/help", {"command": ["deploy"]})).body["ok"] is True


async def test_no_path_leads_out(ask: Ask) -> None:
    for route in GETS:
        for at in PATHS:
            if route not in ("commands", "openapi.json"):  # these are of no project
                said = await ask(route, at=at)
                assert (said.status, said.body["code"]) == (400, "InvalidUsage"), (route, at)


async def test_no_link_leads_out(ask: Ask, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "mlops.toml").write_text('experiment = "of somebody else"\n')
    (project / "link").symlink_to(outside)
    said = await ask("status", at="link/x.ipynb")
    assert (said.status, said.body["code"]) == (400, "InvalidUsage")


async def test_no_file_of_a_command_is_behind_a_link_or_ours(
    ask: Ask, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.csv").write_text("a\n1\n")
    (project / "x.csv").write_text("a\n1\n")
    (project / "link").symlink_to(outside)
    (project / "one.csv").symlink_to(outside / "x.csv")
    for command, body in [
        ("drift", {"reference": "x.csv", "current": "link/x.csv"}),
        ("drift", {"reference": "one.csv", "current": "x.csv"}),
        ("audit", {"export": "link/audit.jsonl"}),
        ("audit", {"export": ".mlops/audit.jsonl"}),
        ("log", {"metrics": {"x": "link/x.csv"}}),
        ("log", {"metrics": ["x=one.csv"]}),
        ("log", {"file": [".git/hooks/post-commit"]}),
    ]:
        said = await ask(f"commands/{command}", body)
        assert (said.status, "leads out of the project" in said.body["message"]) == (400, True), said.body
    assert list(outside.iterdir()) == [outside / "x.csv"]


async def test_numbers_of_an_address_are_bounded(ask: Ask) -> None:
    for limit in ("0", "201", "0000000019999999999", "9" * 5000, "-1", "1e2", "٣" * 10):
        said = await ask("runs", limit=limit)
        assert (said.status, said.body["code"]) == (400, "InvalidUsage"), limit


async def test_who_only_looks_keeps_no_server_awake(ask: Ask, jp_serverapp: Any) -> None:
    await ask("status")
    await ask("commands")
    assert "api_last_activity" not in jp_serverapp.web_app.settings
    await ask("commands/fly", {})
    assert "api_last_activity" in jp_serverapp.web_app.settings


@pytest.mark.parametrize(
    "route", ["runs/%00", "models/a%00b", "models/..", "models/%2e%2e", "endpoints/%00", "commands/%00"]
)
async def test_no_name_has_a_nul_or_is_a_folder_above(ask: Ask, route: str) -> None:
    said = await ask(route, {} if route.startswith("commands/") else None)
    assert said.status in (400, 404)
    assert "Traceback" not in str(said.body)


BODIES: list[tuple[bytes, int, str]] = [
    (b"x" * 1_000_001, 413, "1,000,000 bytes"),
    (b"[1]", 400, "must be an object"),
    (b"{", 400, "no JSON"),
    (b"[" * 100_000, 400, "no JSON"),
    (b'{"model": "m\\u0000"}', 400, "NUL"),
    (b'{"model": 3}', 400, "valid string"),
    (b'{"modl": "m"}', 400, "no parameter 'modl'. Did you mean model?"),
    (b"{}", 400, "promote needs model"),
    (b'{"model": "m", "json": true}', 400, "no parameter 'json'"),
]
CALLS: list[tuple[str, Any, int, str]] = [
    ("fly", {}, 404, "There is no command 'fly'"),
    ("run", {}, 400, "acts on the body of a notebook's cell"),
    ("reproduce", {"run": "last"}, 400, "runs code, and that is not started over REST"),
    ("run-notebooks", {"notebooks": ["a.ipynb"]}, 400, "runs code, and that is not started over REST"),
    ("init", {"tracking_uri": "http://evil.example"}, 400, "tracking_uri can't be chosen over REST"),
    ("audit", {"export": "/tmp/x.jsonl"}, 400, "a path within the project"),
    ("audit", {"export": "../x.jsonl"}, 400, "a path within the project"),
    ("validate-data", {"data": "file:///etc/x.parquet"}, 400, "a path within the project"),
    ("drift", {"reference": "~/a.parquet", "current": "b.parquet"}, 400, "a path within the project"),
    ("log", {"metrics": {"x": "/etc/a.json"}}, 400, "a path within the project"),
    ("import", {"file": "https://evil.example/x.mlops"}, 400, "a path within the project"),
]


async def test_a_body_that_is_off_is_told_why(ask: Ask) -> None:
    for raw, status, says in BODIES:
        said = await ask("commands/promote", raw=raw)
        assert (said.status, says in said.body["message"]) == (status, True), said.body


async def test_what_rest_does_not_take_is_told(ask: Ask) -> None:
    for command, body, status, says in CALLS:
        said = await ask(f"commands/{command}", body)
        assert (said.status, says in said.body["message"]) == (status, True), said.body


async def test_only_json_is_taken(ask: Ask) -> None:
    said = await ask("commands/runs", raw=b"limit=3", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (said.status, said.body["code"]) == (400, "InvalidUsage")


async def test_each_command_is_described_and_has_a_body(ask: Ask) -> None:
    told = {each["key"]: each for each in (await ask("commands")).body["commands"]}
    assert set(told) == set(commands())
    assert told["promote"]["parameters"][0] | {"help": ""} == {
        "name": "model", "flag": "--model", "kind": "model", "help": "", "positional": True, "many": False, "required": True,
        "default": None, "type": "string", "choices": None,
    }  # fmt: skip
    assert "tracking_uri" not in str(told["init"])
    document = (await ask("openapi.json")).body
    for command in commands().values():
        path = f"/commands/{command.key.replace(' ', '-')}"
        assert (path in document["paths"]) is not told[command.key]["needs_kernel"]
    assert {key for key, each in told.items() if each["needs_kernel"]} == {
        *(key for key, command in commands().items() if command.needs_kernel),
        *("reproduce", "run notebooks"),
    }


async def _cookie(ask: Ask, app: Any) -> str:
    came = await ask("status", token=app.identity_provider.token, with_token=False)
    await asyncio.sleep(0)
    return "; ".join(cookie.partition(";")[0] for cookie in came.headers.get_list("Set-Cookie"))


def test_the_server_starts_without_what_is_behind_the_routes() -> None:
    code = "import sys, jupyter_mlops.server.extension; print(*(name for name in sys.modules if name.startswith('jupyter_mlops.')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    behind = [
        f"jupyter_mlops.{name}" for name in ("grammar", "settings", "workspace", "server.handlers", "server.project")
    ]
    assert set(found) & set(behind) == set(), "half a second of every start"
