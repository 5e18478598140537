"""What a call does, as far as its name says: it looks, it draws random numbers, it may do anything."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from typing import Literal

Kind = Literal["looks", "draws", "acts"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods that change what they are called on; the first ones give something else each time.
GROWING = frozenset(["append", "extend", "insert", "partial_fit", "pop", "popitem", "reverse", "shuffle"])
_MUTATING = GROWING | frozenset(
    [
        "add",
        "clear",
        "drop_duplicates",
        "fit",
        "fit_predict",
        "fit_transform",
        "remove",
        "set_params",
        "setdefault",
        "sort",
        "update",
    ]
)
# Builtins that do more than give a value.
_ACTING_BUILTINS = _words("__import__ breakpoint compile delattr eval exec globals input locals next open setattr vars")
_BUILTINS = frozenset(name for name in dir(builtins) if name.islower()) - _ACTING_BUILTINS
# Methods and functions that only look, by the names that numpy, pandas and scikit-learn have for them.
_LOOKING = _BUILTINS | _words(
    """
    display help
    head tail describe info value_counts nunique unique duplicated isna isnull notna corr cov sum mean median std var
    min max argmin argmax idxmin idxmax count quantile percentile groupby agg aggregate copy astype to_numpy tolist
    to_list to_frame to_dict select_dtypes sort_values sort_index drop dropna fillna reset_index set_index rename merge
    concat get_dummies crosstab pivot pivot_table melt assign query isin between nlargest nsmallest items keys values
    get iterrows itertuples
    array asarray zeros ones full arange linspace reshape ravel flatten stack vstack hstack column_stack concatenate
    where abs sqrt exp dot round cumsum argsort allclose array_equal bincount histogram
    format join split strip lower upper startswith endswith encode decode
    read_csv read_parquet read_json read_excel read_feather
    predict predict_proba predict_log_proba decision_function score transform get_params get_feature_names_out
    plot hist scatter bar barh boxplot heatmap imshow show figure subplots title xlabel ylabel legend tight_layout
    perf_counter time now today getcwd
    """
)
_MEASURING = re.compile(r".*_(score|error|loss|report|matrix|curve)")
# They draw from the random numbers that all share, unless they are told not to; and change only what they are of.
_DRAWING = _words(
    """
    fit fit_predict fit_transform train_test_split cross_val_score cross_validate cross_val_predict clone
    make_pipeline make_column_transformer
    """
)
# By the names that everybody gives them; of ours, what changes something is held back when a run is made again.
_ONLY_SHOWING = frozenset(["alt", "mlops", "plt", "px", "sns"])
_SOURCES_OF_RANDOM = frozenset(["generator", "random_state", "rng", "seed"])


def kind_of(call: ast.Call) -> Kind:
    """Say what a call may do; when in doubt, it acts."""
    name = called(call)
    if _in_place(call) or any(_draws_from(keyword) for keyword in call.keywords):
        return "acts"
    if name in _LOOKING or _MEASURING.fullmatch(name) or {*root(call)} & _ONLY_SHOWING:
        return "looks"
    return "draws" if name in _DRAWING or name[:1].isupper() else "acts"


def is_mutating(call: ast.Call) -> bool:
    """Whether a call changes what it is called on."""
    return _in_place(call) or (isinstance(call.func, ast.Attribute) and call.func.attr in _MUTATING)


def called(call: ast.Call) -> str:
    """Name the function or method that is called."""
    return str(getattr(call.func, "id", "") or getattr(call.func, "attr", ""))


def root(node: ast.expr) -> Iterator[str]:
    """Name the variable at the root of ``a.b[0].c``."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def _in_place(call: ast.Call) -> bool:
    return any(k.arg == "inplace" and getattr(k.value, "value", False) is True for k in call.keywords)


def _draws_from(keyword: ast.keyword) -> bool:
    """Whether a call is given a generator, which it uses up; a seed is called so, or is a constant."""
    if keyword.arg not in _SOURCES_OF_RANDOM or isinstance(keyword.value, ast.Constant):
        return False
    return not (isinstance(keyword.value, ast.Name) and (keyword.value.id.isupper() or "seed" in keyword.value.id))
