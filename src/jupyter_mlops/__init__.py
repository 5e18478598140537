"""The whole life of a machine-learning model, without leaving the notebook.

``%load_ext jupyter_mlops`` in a notebook, ``import jupyter_mlops as mlops`` in Python, or
``jupyter mlops`` in a shell: the same commands everywhere. ``help(jupyter_mlops.run)`` explains one.

The names stand in ``__init__.pyi``; importing the package imports none of them, nor anything heavy.
"""

from typing import Any

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Tell Jupyter Server where its extension is: kernels never import that."""
    from .server.extension import MlopsServer

    return [{"module": "jupyter_mlops.server.extension", "app": MlopsServer}]


def load_ipython_extension(ip: Any) -> None:
    """Make ``%mlops`` and ``%%mlops`` known to IPython: ``%load_ext jupyter_mlops``."""
    from .magics import load

    load(ip)


def unload_ipython_extension(ip: Any) -> None:
    """Take the magics away again: ``%unload_ext jupyter_mlops``."""
    from .magics import unload

    unload(ip)
