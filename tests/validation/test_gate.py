"""The gate that reads reports: it promotes, refuses, can't say, and takes no evidence that no longer fits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops.errors import Inconclusive, InvalidUsage, ValidationFailed

from ..conftest import Face
from .test_quality import clean
from .test_trial import registered, strong, test, weak

__all__ = ["test"]


def gate(project: Path, name: str, text: str, more: str = "") -> None:
    head = (project / "mlops.toml").read_text().partition("[gates.")[0]
    (project / "mlops.toml").write_text(f"{head}[gates.{name}]\n{text}\n{more}")


def test_a_gate_asks_for_the_report_of_the_version(
    project: Path, face: Face, name: str, cancer: Any, test: Any
) -> None:
    gate(project, name, 'model = "pass"')
    registered(name, cancer, strong())
    refused = face(f"promote {name}@challenger")
    assert "there is no report of the model" in refused.error
    assert f"mlops validate model {name}/1 --data test --target y" in refused.error
    mlops.validate_model(name, data=test, target="target")
    done = face(f"promote {name}@challenger").data
    assert (done["done"], done["outcome"]) == (True, "pass")
    last = mlops.audit(name).events[-1]
    assert re.search(r"model pass \(\d\d checks, report ", last.evidence)


def test_a_report_that_failed_is_no_pass_and_names_what_failed(
    project: Path, name: str, cancer: Any, test: Any
) -> None:
    gate(project, name, 'model = "pass"')
    registered(name, cancer, strong())
    mlops.validate_model(name, data=test, target="target")
    mlops.promote(name)
    registered(name, cancer, weak())
    mlops.validate_model(name, data=test, target="target")
    with pytest.raises(ValidationFailed, match="model: failed MV002 Better than the champion") as refused:
        mlops.promote(name)
    assert not isinstance(refused.value, Inconclusive)


def test_evidence_that_no_longer_fits_asks_for_a_new_report(project: Path, name: str, cancer: Any, test: Any) -> None:
    gate(project, name, 'model = "pass"')
    registered(name, cancer, weak())
    mlops.validate_model(name, data=test, target="target", severity="error")
    mlops.validate_model(name, data=test, target="target", only=["MV001"])
    with pytest.raises(Inconclusive, match="some of its checks were left out"):
        mlops.promote(name)
    registered(name, cancer, strong(), alias="candidate")
    mlops.validate_model(f"{name}@candidate", data=test, target="target")  # before there is a champion
    mlops.promote(name, force=True, reason="the first one")
    with pytest.raises(Inconclusive, match=f"not held against {name}/1, which is champion now"):
        mlops.promote(f"{name}@candidate")
    mlops.validate_model(f"{name}@candidate", data=test, target="target")
    gate(project, name, 'model = "pass"', "\n[validation.model]\ngain = 0.01\n")
    with pytest.raises(Inconclusive, match=r"the limits in mlops\.toml are other ones now"):
        mlops.promote(f"{name}@candidate")
    gate(project, name, 'model = "pass"\nchecks = ["MV002", "MV018"]')
    with pytest.raises(Inconclusive, match=r"MV018: Quick enough: No budget is set"):
        mlops.promote(f"{name}@candidate")
    gate(project, name, 'accuracy = ">= 0.9"\nmodel = "pass"\nchecks = ["MV002"]')
    assert mlops.promote(f"{name}@candidate").done


def test_another_version_other_settings_or_another_gate_ask_anew(project: Path, face: Face, name: str, trained: Any) -> None:  # fmt: skip
    def refused(because: str, mend: str) -> None:
        outcome = face(f"promote {name}@challenger")
        assert (outcome.exit_code, because in outcome.error) == (Inconclusive.exit_code, True), outcome
        assert mend in outcome.error

    gate(project, name, 'data = "pass"')
    trained("first")
    mlops.register(name, run="last", alias="challenger")
    mlops.validate_data(clean(), run="last")
    assert face(f"promote {name}@challenger --dry-run").data["outcome"] == "pass"
    for more in ("[validation.data]\nmissing = 0.05\n", '[validation.ignore]\nDQ003 = "asked of few"\n'):
        gate(project, name, 'data = "pass"', more)
        refused("no longer fits: the limits in mlops.toml are other ones now", "mlops validate data df --run run:")
    mlops.validate_data(clean(), run="last")
    assert face(f"promote {name}@challenger --dry-run").data["outcome"] == "pass"
    gate(project, name, 'data = "pass"\nmodel = "pass"', more)
    refused("there is no report of the model", f"mlops validate model {name}/1 --data test --target y")
    gate(project, name, 'data = "pass"\nauc = ">= 0.9"', more)
    refused("auc is not logged", "mlops log NAME=VALUE --run RUN, then promote again")
    gate(project, name, 'data = "pass"', more)
    trained("second")
    mlops.register(name, run="last", alias="challenger")
    refused("there is no report of the data", "mlops validate data df --run run:")
    assert mlops.promote(f"{name}/1").done


def test_a_report_that_was_changed_is_none(project: Path, name: str, cancer: Any, test: Any, tmp_path: Path) -> None:
    from jupyter_mlops.workspace import Workspace

    gate(project, name, 'model = "pass"')
    registered(name, cancer, weak())
    found = mlops.validate_model(name, data=test.head(20), target="target")
    assert found.outcome == "inconclusive"
    with pytest.raises(Inconclusive, match="can't say: MV003"):
        mlops.promote(name)
    workspace = Workspace.here()
    run_id = workspace.mlflow.read("get_model_version", name, "1").run_id
    workspace.mlflow.write("log_text", run_id, '{"checks": [], "severity": "error"}', "validation/model.json")
    with pytest.raises(Inconclusive, match="there is no report of the model"):
        mlops.promote(name)


def test_data_and_checks_of_ones_own_are_asked_for(project: Path, name: str, cancer: Any) -> None:
    gate(project, name, 'data = "pass"\nchecks = ["enough_rows", "DQ003"]')
    registered(name, cancer, strong())
    with pytest.raises(Inconclusive, match="there is no report of the data"):
        mlops.promote(name)
    mlops.validate_data(clean(), run="last")
    with pytest.raises(Inconclusive, match="enough_rows: it was not run"):
        mlops.promote(name)
    with pytest.raises(ValidationFailed), mlops.check("enough_rows", bound=">= 500") as asked:
        asked.value = 426
    with pytest.raises(ValidationFailed, match="enough_rows: 426, must be >= 500"):
        mlops.promote(name)
    with mlops.check("enough_rows", bound=">= 400") as asked:
        asked.value = 426
    assert mlops.promote(name).done


def test_without_a_gate_a_report_that_passed_is_one(project: Path, name: str, cancer: Any, test: Any) -> None:
    gate(project, "another", 'accuracy = ">= 0.9"')
    registered(name, cancer, strong())
    with pytest.raises(Inconclusive, match="there is no gate"):
        mlops.promote(name)
    mlops.validate_model(name, data=test, target="target")
    assert mlops.promote(name).done


def test_a_check_in_a_cell(project: Path, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run_cell("%%mlops run train\nprices = [1, 2]\n").success
    assert shell.run_cell("%%mlops check positive --into found\nassert min(prices) > 0\nmin(prices) > 0\n").success
    assert (shell.user_ns["found"].ok, shell.user_ns["found"].seen) == (True, "it is True")
    assert shell.run_cell("%%mlops check held\nassert prices\n").success
    assert shell.run_cell("%%mlops check large --bound '>= 2'\nmax(prices)\n").success
    failed = shell.run_cell("%%mlops check large --bound '>= 3'\nmax(prices)\n")
    assert "large has failed: 2, must be >= 3" in str(failed.error_in_exec)
    own = shell.run_cell("%%mlops check positive\nassert min(prices) > 1, 'one is too small'\n")
    assert isinstance(own.error_in_exec, AssertionError)
    from jupyter_mlops.backend import reports
    from jupyter_mlops.workspace import Workspace

    workspace = Workspace.here()
    run = workspace.mlflow.read("get_run", shell.user_ns["found"].run_id)
    assert reports.cells_of(run) == {
        "positive": ("fail", "AssertionError: one is too small"),
        "held": ("pass", "no assertion failed"),
        "large": ("fail", "2, must be >= 3"),
    }
    for line, wrong in (("odd\n3.5", "no bound"), ("odd\nprices", "a list"), ("odd --bound 3\n3", "no threshold"), ("MV001\nTrue", "no name"), ("odd --run nothing\nTrue", "no run")):  # fmt: skip
        answer = shell.run_cell(f"%%mlops check {line}\n")
        assert wrong in str(answer.error_in_exec or answer.error_before_exec)
    with pytest.raises(InvalidUsage, match="no threshold"):
        mlops.check("a", bound="high")


def test_a_report_of_data_fits_no_longer_where_its_contract_was_edited(project: Path, name: str, cancer: Any) -> None:
    gate(project, name, 'data = "pass"', '\n[validation]\ncontract = "contracts/df.yaml"\n')
    registered(name, cancer, strong())
    mlops.validate_data(clean(), save_contract="contracts/df.yaml", run="last")
    mlops.validate_data(clean(), run="last")
    contract = project / "contracts" / "df.yaml"
    kept = contract.read_text()
    contract.unlink()
    with pytest.raises(Inconclusive, match=r"there is no contracts/df\.yaml, which \[validation\] names"):
        mlops.promote(name)
    contract.write_text(kept)
    mlops.validate_data(clean(), save_contract="contracts/df.yaml", force=True, run="last")
    with pytest.raises(Inconclusive, match=r"it was not held to contracts/df\.yaml"):
        mlops.promote(name)
    contract.write_text(kept)
    mlops.validate_data(clean(), run="last")
    edited = kept.replace("strict: false", "strict: true")
    contract.write_text(edited)
    with pytest.raises(Inconclusive, match=r"contracts/df\.yaml has been edited"):
        mlops.promote(name)
    mlops.validate_data(clean(), run="last")
    assert mlops.promote(name).done
