"""``python -m jupyter_mlops.serving.controller``: the controller, and before it what takes longest.

What is called ``__main__`` is imported by none of the processes that are forked from the template.
"""

from __future__ import annotations

import sys

from . import template

if __name__ == "__main__":
    template.begin()  # it imports what models need, on another core, while this process imports what it needs itself
    from .process import main

    sys.exit(main())
