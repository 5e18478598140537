"""Two machines that watch the same: what rings is told once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.monitoring.alerting import elsewhere

from .windows import HOUR, T0, Project, drifted, fine, look


@pytest.fixture
def two(tmp_path: Path, tracking_uri: str) -> list[Project]:
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        found.append(Project(tmp_path / name, server=tracking_uri))
        found[-1].rules(f'[alerts.log]\nfile = "told.log"\n# {tmp_path.name}\n')
        text = (tmp_path / name / "mlops.toml").read_text()
        own = text.replace('"shared"', f'"{tmp_path.name}"').replace('"tester"', f'"ops@{name}"')
        (tmp_path / name / "mlops.toml").write_text(own)
    elsewhere._said.clear()
    return found


def told(here: Project) -> list[str]:
    file = here.folder / "told.log"
    return [
        "recovered" if "recovered" in line else "rings"
        for line in (file.read_text().splitlines() if file.exists() else [])
    ]


def test_it_is_told_once_and_by_the_other_where_the_first_has_recovered(
    two: list[Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    one.see(look(0, drifted()))
    other.see(look(0, drifted()))
    assert (told(one), told(other)) == (["rings"], [])
    assert [alert.elsewhere for alert in other.alerts] == ["ops@one"]
    assert other.alerts[0].is_open  # it rings here too, and the report says so
    monkeypatch.chdir(other.folder)
    assert "told by ops@one, who sees the same" in str(mlops.alerts("tumour"))
    one.see(look(1, fine("drift:age")))
    assert told(one) == ["rings", "recovered"]
    other.see(look(1, drifted()))
    assert told(other) == ["rings"]
    other.see(look(2, fine("drift:age")))
    assert told(other) == ["rings", "recovered"]
    one.see(look(2, drifted()))
    other.see(look(3, drifted()))
    assert (told(one), told(other)) == (["rings", "recovered", "rings"], ["rings", "recovered"])


def test_what_rings_here_alone_is_told_here(two: list[Project]) -> None:
    one, other = two
    one.see(look(0, drifted()))
    other.see(look(0, drifted(), drifted("drift:bmi")))
    assert (told(one), told(other)) == (["rings"], ["rings"])
    other.see(look(0, fine("drift:age"), version=2), look(0, drifted(), version=1))
    assert told(other) == ["rings"]


def test_one_that_says_nothing_any_more_is_no_reason_to_be_silent(two: list[Project]) -> None:
    one, other = two
    one.see(look(0, drifted()))
    other.see(look(0, drifted()))
    assert told(other) == []
    other.see(look(1, drifted()))
    assert told(other) == []
    other.see(look(5, drifted()), now=T0 + 6 * HOUR)
    assert told(other) == ["rings"]


def test_without_a_server_each_tells_by_itself(two: list[Project]) -> None:
    for here in two:
        text = (here.folder / "mlops.toml").read_text()
        (here.folder / "mlops.toml").write_text(text.replace(here.server, "http://127.0.0.1:9"))
        here.see(look(0, drifted()))
    assert [told(here) for here in two] == [["rings"], ["rings"]]


def test_what_is_silenced_here_is_told_elsewhere(two: list[Project], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two
    monkeypatch.chdir(one.folder)
    mlops.alerts("tumour", silence="drift", until="2h", reason="known")
    for here in two:
        here.see(look(11, drifted()), now=time.time() + 1)
    assert (told(one), told(other)) == ([], ["rings"])
