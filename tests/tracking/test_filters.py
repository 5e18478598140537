"""The short form of filters, and that MLflow reads what it becomes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.tracking.filters import to_mlflow

NOW = datetime(2026, 11, 10, 12, 0).timestamp()
DAY = 86_400_000


class Known:
    """Names as an experiment would have them; a name that was asked for is noted."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.kinds = {
            **dict.fromkeys(("accuracy", "log_loss", "my metric", "val/auc", "values", "since", "failed"), "metrics"),
            **dict.fromkeys(("max_depth", "criterion", "learning rate"), "params"),
            **dict.fromkeys(("stage", "estimator_name"), "tags"),
        }

    def kind(self, name: str) -> str | None:
        self.asked.append(name)
        return self.kinds.get(name)

    def known(self) -> Iterable[str]:
        return self.kinds


def written(where: str) -> str:
    return to_mlflow(where, Known(), NOW)


def refused(where: str) -> InvalidUsage:
    with pytest.raises(InvalidUsage) as found:
        written(where)
    assert found.value.hint, "every error has the line that mends it"
    return found.value


def read_by_mlflow(text: str) -> list[tuple[str, str, str, object]]:
    from mlflow.utils.search_utils import SearchUtils

    parsed = SearchUtils.parse_search_filter(text)
    return [(found["type"], found["key"], found["comparator"], found["value"]) for found in parsed]


SHORT = {
    "": "",
    "   ": "",
    "accuracy > 0.9": "metrics.accuracy > 0.9",
    "accuracy>0.9": "metrics.accuracy > 0.9",
    "accuracy > 0.9 and max_depth = 3": "metrics.accuracy > 0.9 AND params.max_depth = '3'",
    "accuracy >= -1 AND log_loss<1e-3": "metrics.accuracy >= -1 AND metrics.log_loss < 1e-3",
    "accuracy == 1 and accuracy <> 2": "metrics.accuracy = 1 AND metrics.accuracy != 2",
    "accuracy > .5": "metrics.accuracy > 0.5",
    "accuracy < 1e+20": "metrics.accuracy < 1e20",
    "accuracy < +3": "metrics.accuracy < 3.0",
    "criterion = gini": "params.criterion = 'gini'",
    "criterion != 'gini'": "params.criterion != 'gini'",
    "max_depth = None": "params.max_depth = 'None'",
    "max_depth = ''": "params.max_depth = ''",
    "stage = prod": "tags.stage = 'prod'",
    "tag.stage = prod": "tag.stage = 'prod'",
    "tag.release-date = 2026-11-01": "tag.`release-date` = '2026-11-01'",
    "param.new = 3": "param.new = '3'",
    "metric.new = 3": "metric.new = 3",
    "estimator_name ~ Forest": "tags.estimator_name ILIKE '%Forest%'",
    "name ~ base": "attributes.run_name ILIKE '%base%'",
    "name = 'base line'": "attributes.run_name = 'base line'",
    "name != base": "attributes.run_name != 'base'",
    "name like 'b%'": "attributes.run_name LIKE 'b%'",
    "user = anna": "tags.mlflow.user = 'anna'",
    "status = failed": "attributes.status = 'FAILED'",
    "status != 'Finished'": "attributes.status != 'FINISHED'",
    "status ~ fin": "attributes.status ILIKE '%fin%'",
    "failed": "attributes.status = 'FAILED'",
    "Running and accuracy > 0": "attributes.status = 'RUNNING' AND metrics.accuracy > 0",
    "failed > 3": "metrics.failed > 3",
    "since > 3": "metrics.since > 3",
    "stage is null": "tags.stage IS NULL",
    "max_depth is not null": "params.max_depth IS NOT NULL",
    "dataset.name = X_train": "dataset.name = 'X_train'",
    "`my metric` > 0.9": "metrics.`my metric` > 0.9",
    '"my metric" > 0.9': "metrics.`my metric` > 0.9",
    'metrics."my metric" > 0.9': "metrics.`my metric` > 0.9",
    "`learning rate` = 0.1": "params.`learning rate` = '0.1'",
    "val/auc > 0.9": "metrics.`val/auc` > 0.9",
    "values > 3": "metrics.`values` > 3",  # a word of SQL
    "metrics.a.2 > 3": "metrics.`a.2` > 3",
}

MLFLOW = [
    "metrics.accuracy > 0.9 AND params.max_depth = '3' AND attributes.status = 'FINISHED' AND tags.x LIKE '%y%'",
    "metrics.`my metric` <= 1e-05",
    "tags.mlflow.source.type = 'NOTEBOOK'",
    "params.kind ILIKE 'a%' AND tags.stage IS NULL AND params.depth IS NOT NULL",
    "attributes.run_id IN ('3f2a', '9c01')",
    "attributes.run_id NOT IN ('3f2a')",
    "datasets.name IN ('a', 'b')",
    "attributes.start_time >= 1700000000000",
    "attributes.`run name` = 'x'",
    'params.quote = "it\'s"',
    "params.quote = 'say \"x\"'",
    "params.text = 'a; b -- c AND (d) or e'",
]


@pytest.mark.parametrize(("short", "long"), SHORT.items())
def test_the_short_form_becomes_mlflows(short: str, long: str) -> None:
    assert written(short) == long
    if long:
        assert read_by_mlflow(long)


@pytest.mark.parametrize("text", MLFLOW)
def test_mlflows_language_comes_out_as_it_is_and_nobody_is_asked(text: str) -> None:
    known = Known()
    assert to_mlflow(text, known, NOW) == text
    assert known.asked == []
    assert read_by_mlflow(text)


def test_both_forms_go_together() -> None:
    assert written("metrics.auc > 0.9 and failed") == "metrics.auc > 0.9 AND attributes.status = 'FAILED'"


def test_a_name_in_backticks_is_none_of_our_words() -> None:
    known = Known()
    known.kinds |= {"name": "params", "status": "tags", "tag.stage": "metrics"}
    assert to_mlflow("`name` = x", known, NOW) == "params.name = 'x'"
    assert to_mlflow("`status` = x", known, NOW) == "tags.status = 'x'"
    assert to_mlflow("`tag.stage` > 1", known, NOW) == "metrics.tag.stage > 1"


@pytest.mark.parametrize(
    ("short", "since"),
    [
        ("7d", NOW * 1000 - 7 * DAY),
        ("7 d ago", NOW * 1000 - 7 * DAY),
        ("1.5h", NOW * 1000 - DAY / 16),
        ("30min", NOW * 1000 - DAY / 48),
        ("2w", NOW * 1000 - 14 * DAY),
        ("45s", NOW * 1000 - 45_000),
        ("today", datetime(2026, 11, 10).timestamp() * 1000),
        ("Yesterday", datetime(2026, 11, 9).timestamp() * 1000),
        ("2026-11-01", datetime(2026, 11, 1).timestamp() * 1000),
        ("2026-11-01 14:30", datetime(2026, 11, 1, 14, 30).timestamp() * 1000),
        ("'2026-11-01 14:30'", datetime(2026, 11, 1, 14, 30).timestamp() * 1000),
        ("2026-11-01T14:30Z", 1793543400000),
        ("2026-11-01T16:30+02:00", 1793543400000),
    ],
)
def test_times_are_how_long_ago_or_dates(short: str, since: float) -> None:
    assert written(f"since {short}") == f"attributes.start_time >= {since:.0f}"
    assert written(f"failed and before {short}").endswith(f"attributes.start_time < {since:.0f}")


@pytest.mark.parametrize(
    "value", ["it's", 'say "x"', "a\\b", "naïve 🙂", "a;b", "-- x", "100%", "AND", "(a, b)", "#1", "/*"]
)
def test_values_reach_mlflow_as_they_are(value: str) -> None:
    quote = '"' if "'" in value else "'"
    text = written(f"criterion = {quote}{value}{quote} and accuracy > 0")
    assert read_by_mlflow(text) == [("parameter", "criterion", "=", value), ("metric", "accuracy", ">", "0")]


def test_a_value_that_mlflow_cannot_carry_is_compared_nearly_or_refused() -> None:
    text = written('criterion = \'C:\\\' and stage ~ "it\'s" and stage like "C:\\"')
    values = [found[2:] for found in read_by_mlflow(text)]
    assert values == [("LIKE", "C:_"), ("ILIKE", "%it_s%"), ("LIKE", "C:_")]
    assert "can't write" in refused("criterion != 'C:\\'").message


@pytest.mark.parametrize(
    "name", ["order", "select", "group.by", "from", "case", "a.in", "2x", "f1", "a-b", "p:q r/s", "naïve"]
)
def test_any_name_that_mlflow_takes_can_be_asked(name: str) -> None:
    known = Known()
    known.kinds = {name: "metrics"}
    text = to_mlflow(f"`{name}` > 3 and params.`{name}` = x and tags.`{name}` is null", known, NOW)
    assert [found[1] for found in read_by_mlflow(text)] == [name] * 3


def test_an_unknown_name_is_told_with_the_nearest_and_the_line_that_mends_it() -> None:
    error = refused("acuracy > 0.9 and failed")
    assert error.message == "No run has a metric, a parameter or a tag 'acuracy'. Did you mean accuracy?"
    assert error.hint == "%mlops runs 'accuracy > 0.9 and failed'"
    assert refused("my_metric > 0.9").hint == "%mlops runs '`my metric` > 0.9'"
    assert "There are: accuracy, criterion, estimator_name, …." in refused("zzz > 3").message


@pytest.mark.parametrize(
    ("where", "message", "hint"),
    [
        ("accuracy > 1 or failed", "know no or", "%mlops runs 'accuracy > 1', %mlops runs failed"),
        ("accuracy > 1 || failed", "know no or", "%mlops runs 'accuracy > 1', %mlops runs failed"),
        ("failed && accuracy > 1", "joined with and", "%mlops runs 'failed and accuracy > 1'"),
        ("not failed", "no not", "%mlops runs 'status != failed'"),
        ("(failed) and (accuracy > 1)", "no parenthesis", "%mlops runs"),
        ("and failed", "missing beside an and", "%mlops runs"),
        ("failed and", "missing beside an and", "%mlops runs"),
        ("failed and and killed", "missing beside an and", "%mlops runs"),
        ("faild", "'faild' is no condition", "%mlops runs failed"),
        ("accuracy", "'accuracy' is no condition", "%mlops runs"),
        ("accuracy 0.9", "'accuracy 0.9' is no condition", "%mlops runs"),
        ("failed, killed", "'failed, killed' is no condition", "%mlops runs"),
        ("accuracy ! 3", "No comparison is written so: ! 3", "%mlops runs"),
        ("accuracy =~ 3", "'~ 3' is no value", "%mlops runs"),
        ("accuracy >", "> has no value", "%mlops runs"),
        ("accuracy > high", "compares with a number, not with 'high'", "%mlops runs"),
        ("accuracy > 90%", "compares with a number", "%mlops runs"),
        ("accuracy > nan", "compares with a number", "%mlops runs"),
        ("accuracy > 1e999", "compares with a number", "%mlops runs"),
        ("accuracy ~ 3", "accuracy is a number", "%mlops runs 'accuracy = 3'"),
        ("accuracy is null", "accuracy is a number", "%mlops runs"),
        ("0.9 < accuracy", "begins with a name, not with 0.9", "%mlops runs"),
        ("> 3", "'> 3' is no condition", "%mlops runs"),
        ("max_depth > 2", "max_depth is a parameter, which is text", "%mlops runs 'max_depth = 2'; a number"),
        ("tags.stage <= 2", "stage is a tag, which is text", "%mlops runs 'tags.stage = 2'"),
        ("status = failled", "No run is ever 'failled'. Did you mean failed", "%mlops runs 'status = failed'"),
        ("status in ('FAILED')", "IN is for run ids and data sets only", "%mlops runs"),
        ("name is null", "IS NULL is for parameters and tags only", "%mlops runs"),
        ("run_id in 3f2a", "IN takes a list", "run_id in ("),
        ("run.run_nam = x", "knows no attribute 'run_nam'. Did you mean run_name", "%mlops runs 'run.run_name = x'"),
        ("dataset.size = 3", "knows no data set 'size'", "%mlops runs"),
        ("name = base line", "put in quotes: 'base line'", "%mlops runs 'name = \"base line\"'"),
        ("name = it's", "A quote is not closed: 's", 'name = "it\'s"'),
        ("name = `x", "A quote is not closed: `x", "quotes"),
        ("stage is null 3", "'3' is no value", "%mlops runs"),
        ("since soon", "'soon' is no time", "%mlops runs 'since 7d'"),
        ("before 2026-13-01", "is no time", "%mlops runs 'before 7d'"),
        ("since", "'since' is no condition", "%mlops runs"),
        ("started > 2026-11-01", "asked with since and before", "%mlops runs 'since 7d'"),
        ("start_time > 2026-11-01", "in milliseconds since 1970", "%mlops runs 'since 7d'"),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_line_that_mends_it(where: str, message: str, hint: str) -> None:
    error = refused(where)
    assert message in error.message
    assert hint in str(error.hint)
