"""When a rule rings, when it has recovered, and when nothing can be told."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import jupyter_mlops as mlops
from jupyter_mlops import config
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.monitoring.alerting import silencing, watch
from jupyter_mlops.monitoring.alerting.keeping import Keeper
from jupyter_mlops.monitoring.watched import Look

from ...conftest import Face
from .windows import HOUR, NAME, T0, Project, drifted, fine, look, unknown


def project(folder: Path, rules: str = "", **more: float) -> Project:
    return Project(folder, f"[monitor.{NAME}]\n{rules}\n" if rules else "", **more)


def test_without_a_rule_what_matters_much_rings_once_and_recovers(tmp_path: Path) -> None:
    here = project(tmp_path)
    assert here.see(look(0, fine("drift:age"))).alerts == ()
    (alert,) = here.see(look(1, drifted(), drifted("drift:bmi", "minor", 1.0))).alerts
    assert (alert.rule, alert.who, alert.level, alert.about) == ("drift", "tumour/1", "major", ("drift:age",))
    assert alert.why == "age: drift:age is 3.0"
    here.see(look(1, drifted()))  # the same window again
    here.see(look(2, drifted()))
    assert [one.id for one in here.alerts] == [alert.id]
    assert here.see(look(3, drifted("drift:age", "minor", 1.1))).alerts == ()
    here.see(look(4, fine("drift:age")))
    assert here.states() == ["over"]
    assert [("rings" in line, "has recovered" in line) for line in here.log] == [(True, False), (False, True)]
    assert alert.id in here.log[0]
    assert alert.id in here.log[1]
    here.see(look(5, drifted()))
    assert here.states() == ["over", "rings"]


def test_what_can_not_be_told_neither_rings_nor_recovers(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.9 for 2 windows"')
    assert here.see(look(0, unknown("drift:age"), unknown("accuracy"))).alerts == ()
    here.see(look(1, drifted(), fine("accuracy", 0.8)))
    here.see(look(2, unknown("drift:age"), unknown("accuracy")))
    assert [one.rule for one in here.alerts] == ["drift"]
    here.see(look(3, fine("drift:bmi"), fine("accuracy", 0.8)))  # of age nothing is said
    assert [(one.rule, one.is_open) for one in here.alerts] == [("drift", True), ("accuracy", True)]
    here.see(look(4, fine("drift:age"), unknown("accuracy")))
    assert [(one.rule, one.is_open) for one in here.alerts] == [("drift", False), ("accuracy", True)]


def test_a_reading_that_has_a_figure_but_is_inconclusive_does_not_ring(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.9"')
    assert here.see(look(0, ("accuracy", 0.2, "none", "inconclusive"))).alerts == ()
    assert here.see(look(1, ("accuracy", float("nan"), "none", "pass"))).alerts == ()


def between(seen: Look, name: str, low: float, high: float) -> Look:
    """Give a reading of a window an interval."""
    readings = [replace(one, low=low, high=high) if one.name == name else one for one in seen.readings]
    return replace(seen, readings=tuple(readings))


def test_a_figure_of_few_labels_rings_only_where_its_interval_is_beyond_the_bound(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.93 for 2 windows"\nmae = "> 5"')
    few = here.see(between(look(0, fine("accuracy", 0.9), fine("mae", 4.0)), "accuracy", 0.8, 0.96))
    assert few.alerts == ()
    assert any(note.startswith("accuracy may be < 0.93, and may not") for note in few.notes)
    here.see(between(look(1, fine("accuracy", 0.9), fine("mae", 4.0)), "accuracy", 0.88, 0.92))
    here.see(between(look(2, fine("accuracy", 0.91), fine("mae", 4.0)), "accuracy", 0.7, 0.97))  # it breaks no row
    assert here.alerts == ()
    (alert,) = here.see(between(look(3, fine("accuracy", 0.9), fine("mae", 4.0)), "accuracy", 0.88, 0.92)).alerts
    assert alert.rule == "accuracy"
    here.see(between(look(4, fine("accuracy", 0.92), fine("mae", 4.0)), "accuracy", 0.9, 0.94))  # nor ends one
    assert here.states() == ["rings"]
    here.see(between(look(5, fine("accuracy", 0.95), fine("mae", 6.0)), "mae", 4.0, 8.0))
    assert here.states() == ["over"]
    (error,) = here.see(between(look(6, fine("accuracy", 0.95), fine("mae", 6.0)), "mae", 5.5, 7.0)).alerts
    assert error.rule == "mae"


def test_windows_in_a_row_count_once_each_however_often_they_are_looked_at(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.9 for 3 windows"')
    for minutes in range(0, 60, 10):  # windows of an hour, every ten minutes: they overlap
        here.see(look(minutes / 60, fine("accuracy", 0.8)))
    here.see(look(1, fine("accuracy", 0.8)))
    assert here.alerts == ()
    here.see(look(2, fine("accuracy", 0.95)))
    here.see(look(3, fine("accuracy", 0.8)))
    here.see(look(4, fine("accuracy", 0.8)))
    assert here.alerts == ()
    (alert,) = here.see(look(5, fine("accuracy", 0.8))).alerts
    assert (alert.asked, alert.value) == ("< 0.9 for 3 windows", 0.8)


def test_windows_that_nobody_has_seen_break_a_row_and_those_that_tell_nothing_do_not(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.9 for 2 windows"')
    here.see(look(0, fine("accuracy", 0.8)))
    here.see(look(5, fine("accuracy", 0.8)))
    assert here.alerts == ()
    here.see(look(6, unknown("accuracy")))
    here.see(look(7, unknown("accuracy")))
    here.see(look(8, fine("accuracy", 0.8)))
    assert [one.rule for one in here.alerts] == ["accuracy"]


def test_what_becomes_worse_is_told_once_more(tmp_path: Path) -> None:
    here = project(tmp_path, 'drift = "minor"')
    here.see(look(0, drifted("drift:age", "minor", 1.1)))
    here.see(look(1, drifted()))
    here.see(look(2, drifted("drift:age", "minor", 1.1)))
    here.see(look(3, drifted()))
    assert [("rings (minor)" in line, "has become worse (major)" in line) for line in here.log] == [(True, False), (False, True)]  # fmt: skip
    here.see(look(4, fine("drift:age")))
    assert "has recovered" in here.log[2]


def test_performance_is_any_metric_by_labels(tmp_path: Path) -> None:
    here = project(tmp_path, '"accuracy (estimated)" = "minor"\nlabelled = "< 0.1 for 2 windows"')
    worse = ("accuracy", 0.8, "major", "fail")
    guess = ("accuracy (estimated)", 0.8, "minor", "fail")
    none = ("labelled", 0.0, "none", "inconclusive")
    here.see(look(0, fine("drift"), fine("accuracy (estimated)"), fine("f1", 0.9), worse, none))
    assert [(one.rule, one.about, one.why) for one in here.alerts] == [
        ("performance", ("accuracy",), "accuracy: accuracy is 0.8")
    ]
    here.see(look(1, fine("drift"), guess, fine("accuracy", 0.95), none))
    assert [one.rule for one in here.alerts if one.is_open] == ["accuracy (estimated)", "labelled"]


def test_many_windows_at_once_are_judged_in_their_order_and_old_ones_are_no_alarm(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.9 for 2 windows"')
    old, new = (-41, -40), (1, 2)
    windows = [
        look(place, fine("accuracy", 0.8 if place in (*old, *new) else 0.95), drifted() if place in old else fine("drift:age"))
        for place in (*old, 0, *new, 3)
    ]  # fmt: skip
    here.see(*windows)
    here.see(*windows)
    assert [(one.rule, one.start < T0, one.is_open) for one in here.alerts] == [
        ("accuracy", True, False),  # labels come late: it is on record, and not told any more
        ("accuracy", False, False),
    ]
    assert ["has recovered" in line for line in here.log] == [False, True]  # what was over when it was first seen


def test_labels_that_come_late_are_judged_where_windows_are_looked_at_again(tmp_path: Path) -> None:
    here = project(tmp_path, 'accuracy = "< 0.9 for 3 windows"')

    def seen(*values: float | None) -> None:
        said = [unknown("accuracy") if value is None else fine("accuracy", value) for value in values]
        here.see(*(look(place, one) for place, one in enumerate(said)), now=T0 + 10 * HOUR)

    seen(0.95, 0.95, 0.95, 0.95, None, None)
    seen(0.95, 0.8, 0.8, 0.95, 0.95, None)
    assert here.alerts == ()
    seen(0.95, 0.8, 0.8, 0.8, 0.95, None)  # it has rung, and was over
    seen(0.95, 0.8, 0.8, 0.8, 0.95, None)
    assert here.states() == ["over"]
    assert len(here.log) == 2
    seen(0.95, 0.8, 0.8, 0.8, 0.8, 0.8)
    seen(0.95, 0.8, 0.8, 0.8, 0.8, 0.8)
    assert here.states() == ["over", "rings"]
    here.see(look(2, fine("accuracy", 0.95)), look(5, fine("accuracy", 0.95)), now=T0 + 10 * HOUR)  # more labels
    assert here.states() == ["over", "over"]


def test_what_was_major_and_is_looked_at_again_has_not_become_worse(tmp_path: Path) -> None:
    here = project(tmp_path, 'drift = "minor"')
    windows = look(0, drifted()), look(1, drifted("drift:age", "minor", 1.1))
    for _ in range(3):
        here.see(*windows)
    assert len(here.log) == 1


def test_a_look_at_shorter_windows_does_not_end_an_alert_of_longer_ones(tmp_path: Path) -> None:
    here = project(tmp_path)
    here.see(look(0, drifted()))
    here.see(look(1, fine("drift:age"), length=600), length=600)
    assert here.states() == ["rings"]
    here.see(look(2, drifted(), length=600), length=600)
    assert here.states() == ["rings"]
    here.see(look(3, fine("drift:age"), length=2 * HOUR), length=2 * HOUR)
    assert here.states() == ["over"]


def test_each_version_has_its_own_alert_and_one_that_answers_no_more_ends(tmp_path: Path) -> None:
    here = project(tmp_path)
    here.see(look(0, drifted()), look(0, drifted(), version=2))
    assert [one.who for one in here.alerts] == ["tumour/1", "tumour/2"]
    for place in range(1, 4):
        here.see(look(place, drifted(), version=2))
    first, second = here.alerts
    assert (first.is_open, first.ending) == (False, "tumour/1 does not answer any more")
    assert second.is_open


def test_traffic_is_of_the_endpoint_and_nothing_is_a_figure_too(tmp_path: Path) -> None:
    here = project(tmp_path, 'traffic = "< 100 for 2 windows"')
    here.see(look(0, fine("drift"), rows=60), look(0, fine("drift"), version=2, rows=60))
    here.see(look(1, unknown("drift"), version=0, rows=0))
    here.see(look(2, unknown("drift"), version=0, rows=0, length=600), now=T0 + 3 * HOUR)  # a window that isn't over
    assert here.alerts == ()
    (alert,) = here.see(look(3, unknown("drift"), version=0, rows=0)).alerts
    assert (alert.who, alert.why, alert.value) == ("the endpoint", "0 rows", 0.0)
    here.see(look(4, fine("drift"), rows=500))
    assert here.states() == ["over"]


def test_rules_of_columns_and_of_the_quality_of_data(tmp_path: Path) -> None:
    here = project(tmp_path, 'drift = "off"\n"drift:age" = "minor"\nstuck = "minor"\n"missing:bmi" = "> 0.1"')
    here.see(look(0, drifted("drift:age", "minor"), drifted("drift:bmi"), drifted("stuck:bmi"), fine("missing:bmi", 0.3)))  # fmt: skip
    assert sorted(one.rule for one in here.alerts) == ["drift:age", "missing:bmi", "stuck"]
    here.see(look(1, fine("drift:age"), unknown("drift:bmi"), fine("missing:bmi", 0.0)))
    assert [one.rule for one in here.alerts if one.is_open] == ["stuck"]
    here.see(look(2, fine("drift:bmi")))  # what is read only where it rings
    assert not [one for one in here.alerts if one.is_open]


def test_a_rule_that_is_taken_out_ends_its_alert_and_one_without_readings_is_noted(tmp_path: Path) -> None:
    here = project(tmp_path, 'profitt = "< 3"\n')
    report = here.see(look(0, drifted(), fine("profit", 5.0)))
    assert any(
        "Nothing was read that the rule 'profitt' is about. Did you mean profit?" in note for note in report.notes
    )
    here.rules(f'[monitor.{NAME}]\ndrift = "off"\n')
    here.see(look(1, drifted()))
    assert here.alerts[0].ending == "the rule was taken out of mlops.toml"


def test_the_dead_mans_rule_rings_without_traffic_and_without_a_monitor(tmp_path: Path) -> None:
    here = project(tmp_path, 'silent = "2h"')
    here.see(look(0, fine("drift:age")))
    (alert,) = here.see(look(1, unknown("drift"), version=0, rows=0), now=T0 + 2.99 * HOUR, last=T0 + 0.9 * HOUR).alerts
    assert (alert.rule, alert.asked) == ("silent", "at most 2 h")
    assert alert.why.startswith("no prediction for 2 h 5 min")
    here.see(look(3, fine("drift:age")), now=T0 + 4 * HOUR)
    assert here.states() == ["over"]
    assert watch.between(here.workspace, NAME, now=T0 + 5.9 * HOUR).alerts[-1].rule == "silent"
    late = watch.between(here.workspace, NAME, now=T0 + 6.1 * HOUR).alerts[-1]
    assert (late.rule, late.is_open) == ("late", True)
    assert "nobody looked for 2 h 6 min" in here.log[-1]
    watch.between(here.workspace, NAME, now=T0 + 7 * HOUR)
    assert not watch.between(here.workspace, "no endpoint", now=T0 + 90 * HOUR).alerts
    assert sum("late" in line for line in here.log) == 1
    here.see(look(7, fine("drift:age")))
    here.see(look(8, fine("drift:age")))
    assert not here.alerts[-1].is_open


def test_an_endpoint_that_nobody_ever_looked_at_rings_too(tmp_path: Path) -> None:
    here = project(tmp_path, 'silent = "2h"')
    assert watch.between(here.workspace, NAME, now=T0 + HOUR).alerts == ()
    assert [one.rule for one in watch.between(here.workspace, NAME, now=T0 + 3 * HOUR).alerts] == ["late"]


def test_a_run_that_is_made_again_tells_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = project(tmp_path)
    monkeypatch.setenv("MLOPS_REPRODUCES", "a run")
    here.see(look(0, drifted()))
    assert here.alerts == ()
    assert here.log == []


def test_an_endpoint_that_never_answered_rings_from_its_beginning(tmp_path: Path) -> None:
    here = project(tmp_path, 'silent = "2h"', started=T0 - HOUR)
    (alert,) = here.see(look(1, unknown("drift"), version=0, rows=0)).alerts
    assert alert.rule == "silent"


def test_a_silence_has_an_end_a_reason_and_somebody(tmp_path: Path) -> None:
    here = project(tmp_path)
    now = T0 + HOUR
    silencing.silence(here.workspace, [NAME], "drift", "2h", "a known change", now=now)
    seen = here.see(look(0, drifted()), now=now + 1)
    (alert,) = seen.alerts
    assert "drift is silenced for 2 h more by tester: a known change" in seen.notes
    assert here.log == []
    assert alert.deliveries == ()
    (kept,) = here.book.silences
    assert (kept.until, kept.reason, kept.who) == (now + 2 * HOUR, "a known change", "tester")
    here.see(look(1, drifted()), now=now + 1.9 * HOUR)
    assert here.log == []
    here.see(look(2, drifted()), now=now + 2.1 * HOUR)  # it rings still, and is told now
    assert len(here.log) == 1
    silencing.silence(here.workspace, [NAME], "all", "2h", "again", now=now + 3 * HOUR)
    silencing.silence(here.workspace, [NAME], "all", "now", "mended", now=now + 4 * HOUR)
    assert [one.until - now for one in here.book.silences] == [2 * HOUR, 4 * HOUR, 4 * HOUR]
    with pytest.raises(NotFound, match="Did you mean drift"):
        silencing.silence(here.workspace, [NAME], "drfit", "2h", "x")
    for until in ("soon", "90d", "2020-01-01", "yesterday"):
        with pytest.raises(InvalidUsage):
            silencing.silence(here.workspace, [NAME], "drift", until, "x")
    with pytest.raises(InvalidUsage, match="reason"):
        silencing.silence(here.workspace, [NAME], "drift", "2h", " ")


def test_alerts_in_every_face(tmp_path: Path, face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = project(tmp_path, 'accuracy = "< 0.9"')
    assert face("alerts").data["ringing"] == 0
    here.see(look(10, drifted(), fine("accuracy", 0.8)))
    said = face(f"alerts {NAME}").data
    assert said["ringing"] == 2
    assert {one["alert"]["rule"] for one in said["alerts"]} == {"drift", "accuracy"}
    assert said["alerts"][0]["alert"]["deliveries"][0]["state"] == "sent"
    assert "no endpoint 'tumuor'. Did you mean tumour?" in face("alerts tumuor").error
    assert "A silence has an end" in face("alerts --silence drift").error
    planned = face("alerts --silence drift --until 2h --reason 'a known change' --dry-run").data
    assert planned["silenced"]["rule"] == "drift"
    assert planned["silences"] == []
    done = face(f"alerts {NAME} --silence drift --until 2h --reason 'a known change'").data
    assert [one["who"] for one in done["silences"]] == ["tester"]
    assert "on record on this machine, and not in the audit" in done["notes"][0]
    shown = mlops.alerts()
    assert not shown
    assert [one.badge.text for one in shown] == ["major", "silenced"]
    assert "by tester: a known change" in str(shown)
    assert f"%mlops monitor {NAME}" in str(shown)
    assert list(shown.frame()["rule"]) == ["accuracy", "drift"]
    assert "text/html" in shown._repr_mimebundle_()


def test_two_monitors_at_once_tell_once(tmp_path: Path) -> None:
    here = project(tmp_path)
    report = here.monitored(look(0, drifted(), drifted("drift:bmi")))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: watch.after(here.workspace, report, now=T0 + HOUR), range(16)))
    assert {len(one.alerts) for one in found} == {1}
    assert len(here.log) == 1


def test_a_torn_book_is_put_aside(tmp_path: Path) -> None:
    here = project(tmp_path)
    here.see(look(0, drifted()))
    file = Keeper.of(here.workspace, NAME).folder / "alerts.json"
    file.write_text(file.read_text()[:50])
    assert len(here.see(look(1, drifted())).alerts) == 1
    assert file.with_suffix(".torn").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="made for root")
def test_a_disk_that_takes_nothing_costs_no_report(tmp_path: Path) -> None:
    here = project(tmp_path)
    folder = Keeper.of(here.workspace, NAME).folder
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    report = here.see(look(0, drifted()))
    assert any("Rules were not judged" in note for note in report.notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[monitor.t]\n\ndrfit = "major"', "line 3: monitor.t.drfit: nothing is called 'drfit'. Did you mean drift?"),
        ('[monitor.t]\n"drfit:age" = "major"', "line 2: monitor.t.drfit:age: nothing is called 'drfit:age'. Did you mean"),
        ("[monitor.t]\ndrift = 3", "line 2: monitor.t.drift: 3 is no rule; write"),
        ('[monitor.t]\nacuracy = "< 0.9"', "line 2: monitor.t.acuracy: nothing is called 'acuracy'. Did you mean accuracy?"),
        ('[monitor.t]\nacuracy = "minor"', "line 2: monitor.t.acuracy: nothing is called 'acuracy'. Did you mean accuracy"),
        ('[monitor.t.busines]\nprofit = "metrics:profit"', "monitor.t.busines: there is no such table. Did you mean business?"),
        ('[monitor.t.business]\nprofit = "metrics"', "line 2: monitor.t.business.profit: string should match"),
        ('[monitor.t]\naccuracy = "< x"', "line 2: monitor.t.accuracy: '< x' is no threshold"),
        ('[monitor.t]\naccuracy = "< 0.9 for 0 windows"', "0 windows are no number to wait for"),
        ('[monitor.t]\nsilent = "soon"', "line 2: monitor.t.silent: 'soon' is no time"),
        ('[monitor.t]\nprofit = "< 1"\nalert = ["webhook"]', "line 3: monitor.t.alert: 'webhook' is not set up"),
        ('[monitor.t]\nprofit = "< 1"\nalert = ["mail"]', "line 3: monitor.t.alert.0: input should be 'log'"),
        ('[alerts.webhok]\nurl = "x"', "there is no setting 'alerts.webhok'. Did you mean webhook?"),
        ('[alerts.webhook]\nurl = "https://ann:pw@host/"', "line 2: alerts.webhook.url: it should be an address"),
        ('[alerts.webhook]\nurl = "https://host/"\nsecret = "hunter2"', "line 3: there is no setting 'alerts.webhook.secret'. Did you mean secret_env?"),
        ('[alerts.webhook]\nurl = "https://host/"\nsecret_env = "hunter-2!"', "line 3: alerts.webhook.secret_env"),
        ('[alerts.command]\nrun = "rm -rf"', "line 2: alerts.command.run: input should be a valid list"),
    ],
)  # fmt: skip
def test_bad_rules_are_named_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mlops.toml").write_text(text)
    with pytest.raises(InvalidUsage) as found:
        config.load(tmp_path, {})
    assert says in str(found.value)
    assert "hunter" not in str(found.value)


def test_metrics_of_ones_own_have_any_name(tmp_path: Path) -> None:
    text = '[monitor.t]\nacuracy = "< 0.9"\nprofit = "< 3"\n"drift:a:b" = "minor"\n[monitor.t.business]\nacuracy = "metrics:mine"\n'
    (tmp_path / "mlops.toml").write_text(text)
    found = config.load(tmp_path, {}).settings.monitored("t")
    assert {rule.name for rule in found.rules} >= {"acuracy", "profit", "drift:a:b", "drift", "performance"}
