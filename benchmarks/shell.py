"""The other side of ``measure.Shell``: read cells, one JSON line each, and answer with the seconds each took."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from typing import Any

from IPython.core.interactiveshell import InteractiveShell


def main() -> None:
    shell: Any = InteractiveShell.instance()
    shell.history_manager.enabled = False
    for line in sys.stdin:
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            begin = time.perf_counter()
            result = shell.run_cell(json.loads(line))
            seconds = time.perf_counter() - begin
        print(json.dumps({"seconds": seconds} if result.success else {"failed": shown.getvalue()}), flush=True)


if __name__ == "__main__":
    main()
