"""``--auto``: a version beside the champion is promoted when it has done well, and taken away when it has not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops import config
from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.serving.controller.trial import Seen, judge, seen
from jupyter_mlops.settings import AutoSettings

from ...conftest import Face
from ...waiting import until
from .test_admission import add_slow
from .test_following import BODY, add, ask, point


@pytest.fixture
def auto(project: Path, name: str) -> Iterator[str]:
    """A model whose endpoint decides after 20 requests; what was started is stopped."""
    with (project / "mlops.toml").open("a") as file:
        file.write(f"\n[endpoints.{name}.auto]\nrequests = 20\nagreement = 0.5\n")
    yield name
    mlops.stop(all=True)


def add_shy(name: str) -> int:
    """Register a model of the same columns as ``add`` that refuses the values that are asked here."""
    import pandas as pd
    from sklearn.dummy import DummyRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rows = pd.DataFrame({"a": [7.0, 8.0, 9.0], "b": [7.0, 8.0, 9.0]})
    model = make_pipeline(OneHotEncoder(), DummyRegressor()).fit(rows, [1.0] * 3)
    return int(mlops.register(name, model=model, data=rows).version)


def add_good(name: str, answer: float) -> int:
    """Register a model like those of ``add``, with a metric that the gate lets through."""
    import pandas as pd
    from sklearn.dummy import DummyRegressor

    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    with mlops.run("good", data=rows):
        DummyRegressor(strategy="constant", constant=answer).fit(rows, [answer] * 3)
        mlops.log({"accuracy": 0.95})
    return int(mlops.register(name).version)


def decided(url: str, word: str) -> str:
    """Ask until ``--auto`` says something with this word, and give what it says."""

    def said() -> str:
        for _ in range(5):
            requests.post(f"{url}/invocations", data=BODY, timeout=30)
        auto = mlops.endpoints().rows[0].auto
        return auto if word in auto else ""

    return str(until(said))


def actions(name: str, action: str) -> list[Any]:
    return [event for event in mlops.audit(name, verify=True).events if event.action == action]


def test_what_does_badly_is_taken_away_and_the_champion_stays(auto: str) -> None:
    point(auto, add(auto, 1.0))
    url = mlops.deploy(auto).url
    shy = mlops.deploy(f"{auto}/{add_shy(auto)}", canary="50%", auto=True)
    assert shy.canary == 2
    said = decided(url, "no canary any more")
    assert said.startswith(f"{auto}/2 is no canary any more: ")
    assert "requests were not answered, and 1.0% may be" in said
    until(lambda: mlops.endpoints().rows[0].canary is None)
    assert {ask(url) for _ in range(20)} == {("1", 1.0)}
    assert said in " ".join(str(mlops.endpoints().rows[0]).split())
    assert any(said in line for line in mlops.logs(auto).lines)
    until(lambda: len(actions(auto, "withdraw")) == 1)
    assert "requests were not answered" in actions(auto, "withdraw")[0].evidence

    mlops.deploy(f"{auto}/{add_slow(auto)}", canary="50%", auto=True)
    assert "no canary any more: 95% of its answers took up to" in decided(url, "no canary any more: 95%")

    mlops.deploy(f"{auto}/{add(auto, 4.0)}", shadow=True, auto=True)
    assert "answers are not the champion's, and 50.0% may be" in decided(url, "no shadow any more")
    until(lambda: mlops.endpoints().rows[0].shadow is None)
    assert {ask(url) for _ in range(20)} == {("1", 1.0)}
    assert actions(auto, "promote") == []


def test_what_does_well_is_promoted_if_the_gate_lets_it(auto: str, project: Path) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write("latency = 1000\n")  # what else the machine does is not what is judged here
    point(auto, add(auto, 1.0))
    url = mlops.deploy(auto).url
    unmeasured = add(auto, 2.0)
    mlops.deploy(f"{auto}/{unmeasured}", canary="50%", auto=True)
    until(lambda: "on trial as canary: 0 of 20 requests" in mlops.endpoints().rows[0].auto)  # nobody asks it yet
    said = decided(url, "waits")
    assert (
        f"{auto}/{unmeasured} has done well as canary, and waits: {auto}/{unmeasured} is not promoted, the gate" in said
    )
    assert mlops.endpoints().rows[0].version == 1
    assert mlops.endpoints().rows[0].canary == unmeasured
    until(lambda: len(actions(auto, "refuse")) == 1)
    assert actions(auto, "promote") == []

    good = add_good(auto, 1.5)
    mlops.deploy(f"{auto}/{good}", canary="50%", auto=True)
    assert f"{auto}/{good} was promoted: " in decided(url, "promoted")
    until(lambda: {ask(url) for _ in range(10)} == {(str(good), 1.5)})
    until(lambda: mlops.endpoints().rows[0].canary is None)
    (event,) = actions(auto, "promote")
    assert (event.after, event.alias) == (str(good), "champion")
    assert f"endpoint {auto}, canary --auto: " in event.why
    assert "were not answered, the champion's 0.0%" in event.why
    assert "was promoted" in mlops.endpoints().rows[0].auto  # also when the canary has gone


def test_it_needs_a_version_to_decide_about_and_an_alias_to_promote_to(face: Face, auto: str) -> None:
    first = add(auto, 1.0)
    alone = face(f"deploy {auto}/{first} --auto")
    assert alone.exit_code == InvalidUsage.exit_code
    assert "--canary 10% --auto" in alone.error
    if face.__name__ != "_through_python":
        return
    mlops.deploy(f"{auto}/{first}")
    with pytest.raises(InvalidUsage, match=f"%mlops deploy {auto}@champion first"):
        mlops.deploy(f"{auto}/{first}", canary="10%", auto=True)
    assert mlops.endpoints().rows[0].canary is None


@pytest.mark.parametrize("line", ["requests = 0", "error_rate = 2", "latency = 0", 'agreement = "most"', "quorum = 3"])
def test_a_rule_that_is_none_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "mlops.toml").write_text(f"[endpoints.tumour.auto]\n{line}\n")
    with pytest.raises(InvalidUsage, match=rf"line 2: .*endpoints\.tumour\.auto\.{line.split()[0]}"):
        config.load(tmp_path)


RULES = AutoSettings(requests=100, error_rate=0.02, latency=2, agreement=0.9)
CALM = Seen(answered=900, failed=9, p95_ms=10)


@pytest.mark.parametrize(
    ("role", "second", "champion", "do", "why"),
    [
        ("canary", Seen(answered=50, p95_ms=10), CALM, "wait", "50 of 100 requests"),
        ("canary", Seen(answered=98, failed=2, p95_ms=20), CALM, "promote", "100 requests: 2.0% were not answered"),
        ("canary", Seen(answered=90, failed=4, p95_ms=10), CALM, "withdraw", "4 of 94 requests were not answered"),
        ("canary", Seen(answered=9, refused=3), Seen(), "withdraw", "3 of 12 requests were not answered"),
        ("canary", Seen(answered=990, failed=10, p95_ms=10), CALM, "promote", "1,000 requests"),
        (
            "canary",
            Seen(answered=100, p95_ms=21),
            CALM,
            "withdraw",
            "21 ms, the champion's 10 ms, and 20 ms are allowed",
        ),
        ("canary", Seen(answered=100, p95_ms=5), Seen(answered=9, p95_ms=0.3), "promote", "up to 5 ms"),
        ("canary", Seen(answered=100, p95_ms=5), Seen(), "wait", "the champion has not answered yet"),
        ("shadow", Seen(answered=100, compared=100, agreed=90, p95_ms=9), CALM, "promote", "90.0% agree"),
        ("shadow", Seen(answered=50, compared=50, agreed=39, p95_ms=9), CALM, "withdraw", "11 of 50 answers are not"),
        ("shadow", Seen(answered=97, failed=3, compared=97, agreed=97), CALM, "withdraw", "3 of 100 requests"),
    ],
)
def test_the_rules(role: str, second: Seen, champion: Seen, do: str, why: str) -> None:
    verdict = judge(RULES, role, second, champion)
    assert verdict.do == do
    assert why in verdict.why


def test_only_what_was_seen_in_the_trial_counts() -> None:
    then = {"role": "canary", "version": "2", "answered": 5, "refused": 1, "failed": 1, "compared": 0, "agreed": 0}
    now = then | {"answered": 9, "p95_ms": 3.0}
    assert seen([now], [then], "canary", 2) == Seen(answered=4, p95_ms=3.0)
    assert seen([now], [], "canary", 2).asked == 11
    assert seen([now], [then], "canary", 3) == Seen()
