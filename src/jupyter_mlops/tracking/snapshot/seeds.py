"""The random seeds that a run has set, with their values."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import python
from .calls import called

_SEEDING = frozenset(
    [
        "PRNGKey",
        "Random",
        "RandomState",
        "SeedSequence",
        "default_rng",
        "manual_seed",
        "manual_seed_all",
        "seed",
        "seed_everything",
        "set_random_seed",
    ]
)
_NAMED = frozenset(["random_seed", "random_state", "seed"])
_MOST = 20


def seeds_of(sources: Iterable[str], namespace: Mapping[str, Any]) -> list[str]:
    """List the seeds that pieces of code set, such as ``np.random.seed(7)`` and ``random_state=42``.

    Parameters
    ----------
    sources : iterable of str
    namespace : dict
        What a name stands for: ``random_state=SEED`` is told with the number.
    """
    trees = filter(None, map(python.parse, sources))
    return list(dict.fromkeys(seed for tree in trees for seed in _seeds(tree, namespace)))[:_MOST]


def _seeds(tree: ast.Module, namespace: Mapping[str, Any]) -> Iterator[str]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if called(call) in _SEEDING and call.args:
            number = _number(call.args[0], namespace)
            if number is not None:
                yield f"{ast.unparse(call.func)}({number})"
                continue
        for keyword in call.keywords:
            number = _number(keyword.value, namespace) if keyword.arg in _NAMED else None
            if number is not None:
                yield f"{keyword.arg}={number}"


def _number(node: ast.expr, namespace: Mapping[str, Any]) -> int | None:
    """Read a whole number, or the name of one."""
    value = namespace.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
    return value if type(value) is int else None
