"""The notebook of a kernel, as a real Jupyter server has started it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from jupyter_mlops.backend.processes import free_port

from ..waiting import until

TOKEN = {"Authorization": "token sesame"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A Jupyter server with files and settings of its own."""
    port = free_port()
    env = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", f"--port={port}", "--IdentityProvider.token=sesame"]  # fmt: skip
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: _is_up(url))
        yield url
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        psutil.wait_procs(family, timeout=60)
        process.wait(60)


def _is_up(url: str) -> bool:
    try:
        return requests.get(f"{url}/api", headers=TOKEN, timeout=60).ok
    except requests.ConnectionError:
        return False


def test_the_notebook_is_found_also_when_it_is_renamed(server: str, tmp_path: Path) -> None:
    from jupyter_client.blocking.client import BlockingKernelClient

    cells = [
        {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": [], "source": "x = 1"}
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "play.ipynb").write_text(json.dumps(content))
    named = {"path": "play.ipynb", "name": "play.ipynb", "type": "notebook"}
    session = requests.post(f"{server}/api/sessions", headers=TOKEN, timeout=60, json=named | {"kernel": {"name": "python3"}}).json()  # fmt: skip
    client = BlockingKernelClient(connection_file=str(tmp_path / "runtime" / f"kernel-{session['kernel']['id']}.json"))
    client.load_connection_file()
    client.start_channels()
    said: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        said.append(message["content"].get("text", "") or message["content"].get("evalue", ""))

    try:
        client.wait_for_ready(timeout=60)
        look = "from jupyter_mlops.tracking.snapshot import notebook\nprint(notebook.find().path.name)"
        client.execute_interactive(look, output_hook=listen, timeout=60)
        for verb, body in (("contents/play.ipynb", {"path": "new.ipynb"}), (f"sessions/{session['id']}", named | {"path": "new.ipynb", "name": "new.ipynb"})):  # fmt: skip
            requests.patch(f"{server}/api/{verb}", headers=TOKEN, timeout=60, json=body).raise_for_status()
        client.execute_interactive(look, output_hook=listen, timeout=60)
    finally:
        client.stop_channels()
    assert [text.strip() for text in said if text.strip()] == ["play.ipynb", "new.ipynb"]
