"""What ``%load_ext jupyter_mlops`` adds to the start of IPython."""

from __future__ import annotations

import sys
from functools import partial

from measure import Report, added, alternate, project, whole_process

ROUNDS = 15
AIM = 0.15

BARE = "IPython alone"
OURS = "with `%load_ext jupyter_mlops`"
PEER = "with `import mlflow`"


def run() -> Report:
    with project() as folder:
        # A profile of its own: the developer's start-up files and history are none of ours.
        env = {"IPYTHONDIR": str(folder / "ipython")}

        def start(code: str) -> float:
            return whole_process([sys.executable, "-m", "IPython", "--no-banner", "-c", code], folder, env)

        codes = {BARE: "pass", OURS: "%load_ext jupyter_mlops", PEER: "import mlflow"}
        for code in codes.values():
            start(code)  # from now on all of them find their files in the cache
        found = alternate({name: partial(start, code) for name, code in codes.items()}, ROUNDS)
    return Report(
        "load_ext",
        "`python -m IPython --no-banner -c …`, whole processes.",
        list(found.values()),
        [added(found[OURS], found[BARE], AIM), added(found[PEER], found[BARE])],
    )
