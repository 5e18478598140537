"""Masking of secrets: how many are found, how many false alarms, and what a masked text keeps."""

from __future__ import annotations

import json
import random
import string
import subprocess
import sys
import time

import pytest
from pydantic import SecretBytes, SecretStr

from jupyter_mlops.secrets import Finding, mask, mask_file, mask_texts, secret_values

from .corpus import measure, read

CORPORA = ("development", "held_out", "later", "others", "unseen")
TOKEN = "gh" + "p_" + "Zq83hT2mVx0LrB5nYc7KdW1sFj9Pe4Ua6GiO"


@pytest.mark.parametrize("name", CORPORA)
def test_finds_secrets_and_little_else(name: str) -> None:
    examples = read(name)
    figures = measure(examples, mask)
    print(f"{name}: {figures} over {len(examples)} examples")
    assert figures.precision >= 0.95, figures.false_alarms
    assert figures.recall >= 0.95, figures.missed


@pytest.mark.parametrize("name", CORPORA)
def test_masking_twice_is_masking_once(name: str) -> None:
    for example in read(name):
        once, _ = mask(example.text)
        assert mask(once) == (once, ())


@pytest.mark.parametrize("name", CORPORA)
def test_lines_stay(name: str) -> None:
    for example in read(name):
        assert mask(example.text)[0].count("\n") == example.text.count("\n")


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_notebook_stays_json_and_its_secrets_go(name: str, ascii_only: bool) -> None:
    # Each example, in JSON, as a cell of a notebook has it: one string for each line.
    for example in read(name):
        notebook = {"cells": [{"cell_type": "code", "source": example.text.splitlines(keepends=True)}], "nbformat": 4}
        masked = json.loads(mask(json.dumps(notebook, ensure_ascii=ascii_only, indent=1))[0])
        assert masked.keys() == notebook.keys()
        assert len(masked["cells"][0]["source"]) == len(notebook["cells"][0]["source"])


@pytest.mark.parametrize("name", CORPORA)
def test_secrets_are_found_in_a_notebook_and_in_a_diff_as_in_a_cell(name: str) -> None:
    def as_notebook(text: str) -> tuple[str, object]:
        masked, findings = mask(json.dumps({"source": text.splitlines(keepends=True)}, indent=1))
        return "".join(json.loads(masked)["source"]), findings

    def as_diff(text: str) -> tuple[str, object]:
        masked, findings = mask("".join(f"+{line}" for line in text.splitlines(keepends=True)))
        return "".join(line[1:] for line in masked.splitlines(keepends=True)), findings

    def as_cells(text: str) -> tuple[str, object]:
        masked, findings = mask_file("x.ipynb", json.dumps({"cells": [{"source": text.splitlines(keepends=True)}]}))
        return "".join(json.loads(masked)["cells"][0]["source"]), findings

    def as_signed(text: str) -> tuple[str, object]:
        masked, findings = mask_file("x.diff", "".join(f"+{line}" for line in text.splitlines(keepends=True)))
        return "".join(line[1:] for line in masked.splitlines(keepends=True)), findings

    for exact in (as_cells, as_signed):
        assert measure(read(name), exact).missed == measure(read(name), mask).missed
    for form in (as_notebook, as_diff):
        figures = measure(read(name), form)
        print(f"{name}, {form.__name__}: {figures}")
        assert figures.precision >= 0.95, figures.false_alarms
        assert figures.recall >= 0.9, figures.missed


def test_only_the_secret_goes() -> None:
    masked, findings = mask('import x\nconnect("db", user="anna", password="c0rrect-horse", port=5432)  # ours\n')
    assert masked == 'import x\nconnect("db", user="anna", password="***", port=5432)  # ours\n'
    assert findings == (Finding("value of password", 2),)


def test_the_user_is_told_what_was_masked_and_where() -> None:
    _, findings = mask(f'x = 1\nlogin("{TOKEN}")\nurl = "https://anna:b4ttery@host.example/x"\n')
    assert findings == (Finding("GitHub token", 2), Finding("password in a URL", 3))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("!mysql -psecret", "!mysql -p***"),
        ("!curl -u user:pass https://x.example", "!curl -u user:*** https://x.example"),
        ("postgresql://u:p@host/db", "postgresql://u:***@host/db"),
        (
            "!pip install --find-links https://user:token@host/wheels",
            "!pip install --find-links https://user:***@host/wheels",
        ),
        ('key = "a1b2" + API_KEY', 'key = "a1b2" + API_KEY'),
        ('password = ("h0use-" "of-" + "cards")', 'password = ("***" "***" + "***")'),
        ('user, password = "anna", "h0use-of"', 'user, password = "anna", "***"'),
        (r"password = 'it\'s-2-late'", "password = '***'"),
        ("https://host/x?a=1&token=Zq83hT2mVx0L&b=2", "https://host/x?a=1&token=***&b=2"),
        ("", ""),
    ],
)
def test_what_stands_around_a_secret_stays(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


def test_a_private_key_goes_as_one_with_its_lines_kept() -> None:
    lines = ["".join(random.Random(n).choices(string.ascii_letters, k=64)) for n in range(4)]
    text = "\n".join(["-----BEGIN RSA " + "PRIVATE KEY-----", *lines, "-----END RSA " + "PRIVATE KEY-----", "x = 1"])
    masked, findings = mask(text)
    assert masked.splitlines()[1:5] == ["***"] * 4
    assert masked.splitlines()[-1] == "x = 1"
    assert [(finding.kind, finding.line) for finding in findings] == [("private key", 2)]


def test_known_values_go_wherever_they_are() -> None:
    known = {'opal "sea"\\', "two-lines\nof-secret", "short"}
    text = json.dumps({"a": 'an opal "sea"\\ here', "b": "two-lines\nof-secret", "c": "short"})
    masked, findings = mask(text, known)
    assert json.loads(masked) == {"a": "an *** here", "b": "***\n***", "c": "short"}
    assert {finding.kind for finding in findings} == {"known secret"}
    assert mask("no secret", known) == ("no secret", ())


def test_a_known_value_leaves_the_escape_before_it_whole() -> None:
    assert json.loads(mask(json.dumps("line\nnimbus"), {"nnimbus"})[0]) == "line\n***"


def test_what_goes_over_lines_is_found_in_a_notebook_and_in_a_diff() -> None:
    code = ["client_secret = (\n", f"    '{TOKEN[4:26]}'\n", ")\n"]
    notebook, found = mask_file("x.ipynb", json.dumps({"cells": [{"source": code}, {"source": "a = 1"}]}))
    assert json.loads(notebook)["cells"][0]["source"] == ["client_secret = (\n", "    '***'\n", ")\n"]
    assert found == (Finding("value of client_secret", 2),)
    diff = f" {code[0]}-    'old'\n+{code[1]} {code[2]}"
    assert TOKEN[4:26] not in mask_file("x.diff", diff)[0]
    assert mask_file("x.ipynb", "no json")[0] == "no json"


def test_texts_of_a_tree_are_masked_and_its_shape_and_numbers_stay() -> None:
    tree = {
        "remote": "https://anna:b4ttery@host.example/x",
        "key": ["plain", f'a = "{TOKEN}"\nb = 1', {"n": 0.123456, "none": None}],
        "api_key": ("string", "Zq83hT2mVx0L"),
        "": "",
    }
    assert mask_texts(tree, {"123456", "Zq83hT2mVx0L"}) == {
        "remote": "https://anna:***@host.example/x",
        "key": ["plain", 'a = "***"\nb = 1', {"n": 0.123456, "none": None}],
        "api_key": ["string", "***"],
        "": "",
    }


def test_secret_values_are_those_with_secret_names() -> None:
    namespace = {
        "password": "blue-harbour-7",
        "apiKey": "Zq83hT2mVx0L",
        "raw_token": b"Zq83hT2mVx0LrB5nYc7K",
        "config": {"user": "anna", "password": "night-heron-52", "pool": {"password": "too-deep-1"}},
        "db_secret": SecretStr("st4rling-x"),
        "other_secret": SecretBytes(b"sw4llow-xy"),
        "connection_string": "Server=db;Password=Ab3-dolphin;Encrypt=yes",
        "tokens": ["a", "b"],
        "token": "running",
        "sort_key": "Zq83hT2mVx0LrB5nYc7K",
        "password_hint": "my first pet 1",
        "secret_flag": "true",
        "password_file": "/run/secrets/db",
        "pad_token": "[PAD]",
        "pwd": sys.prefix,
        "x": 1,
    }
    environ = {
        "AWS_SECRET_ACCESS_KEY": "abcdEFGH0123/ijklMNOP4567",
        "HF_TOKEN": "hf-Zq83hT2mVx0L",
        "DATABASE_URL": "postgresql://anna:s3a-breeze@db/churn",
        "PASSWORD": "changeme",
        "PWD": sys.prefix,
        "PATH": "/usr/bin",
        "TOKENIZERS_PARALLELISM": "false",
    }
    assert secret_values(namespace, environ) == {
        "blue-harbour-7",
        "Zq83hT2mVx0L",
        "Zq83hT2mVx0LrB5nYc7K",
        "night-heron-52",
        "st4rling-x",
        "sw4llow-xy",
        "Ab3-dolphin",
        "abcdEFGH0123/ijklMNOP4567",
        "hf-Zq83hT2mVx0L",
        "s3a-breeze",
    }


def test_secret_values_run_no_code_of_unknown_objects() -> None:
    class Trap:
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

        def __repr__(self) -> str:
            raise AssertionError

        __str__ = __len__ = __eq__ = __hash__ = __repr__  # type: ignore[assignment]

    class TrapText(str):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

        __str__ = __len__ = __hash__ = Trap.__repr__  # type: ignore[assignment]

    traps = {"password": Trap(), "api_key": TrapText("Zq83hT2mVx0L"), "config": {"password": Trap()}, "secret": Trap}
    assert secret_values(traps, {}) == frozenset()


def test_base64_of_pictures_is_left_alone() -> None:
    rng = random.Random(5)
    for _ in range(50):
        picture = "".join(rng.choices(string.ascii_letters + string.digits + "+/", k=20_000))
        text = json.dumps({"data": {"image/png": picture}, "source": ["df.plot()"]})
        assert mask(text)[0] == text


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["a", "password=", 'password="', "token: ", "://u:p@", "curl -u a:", "?key=", "eyJabcdefghijk.", "\\", "\n"]
)
def test_no_text_takes_for_ever(unit: str) -> None:
    # With a pass over the rest of the text for each character these would take hours.
    text = unit * (1_000_000 // len(unit))
    assert mask(text)[0].count("\n") == text.count("\n")


@pytest.mark.timeout(60)
def test_a_diff_of_megabytes_takes_seconds() -> None:
    cell = "\n".join(f"+{line}" for example in read("development") for line in example.text.splitlines())
    code = "\n".join(f"+    total_{n} = frame['column_{n}'].sum() + model.predict(rows[{n}:])" for n in range(200))
    diff = f"{cell}\n{code}\n" * (5_000_000 // (len(cell) + len(code) * 9)) + f"{code}\n" * 300
    begin = time.process_time()
    mask(diff)
    took = time.process_time() - begin
    print(f"{len(diff) / 1e6:.1f} MB: {took:.2f} s")
    assert took < 10  # about 1 s on a free machine


def test_importing_takes_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import jupyter_mlops.secrets; print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    ours = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert ours <= {"jupyter_mlops", "lazy_loader"}
