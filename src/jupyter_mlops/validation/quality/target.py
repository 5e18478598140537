"""The target: there, more than one value, and not too rare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..catalogues import DATA
from ..checks import NotApplicable
from ..column import Column
from ..data import Data, share
from ..findings import Finding, Plot, Severity
from .quoting import is_personal, quoted

MOST_CLASSES: Final = 20  # of a target of whole numbers: one with more is a measure
_FEW_OF_A_CLASS: Final = 10


@DATA.check("DQ014", "The target is there", "A row without its label teaches nothing, and a target of one value has nothing to teach.")  # fmt: skip
def there(data: Data) -> Iterator[Finding]:
    """Look for labels that are missing, and for a target with one value."""
    target = _target(data)
    if target.missing:
        severity: Severity = (
            "error" if target.missing == len(data) or target.missing > data.limits.missing * len(data) else "warning"
        )
        yield Finding(severity, f"{target.label} is missing in {share(target.missing, len(data))}.", f"df.dropna(subset=[{target.label!r}]), and ask why", (target.label,))  # fmt: skip
    if len(target.there) and target.distinct == 1:
        yield Finding("error", f"{target.label} is always {quoted(data, target, str(target.counts.index[0]))}.", "there is nothing to learn: see how the rows were chosen", (target.label,))  # fmt: skip


@DATA.check("DQ015", "Balance of the classes", "Where one class is rare, a model that never names it scores well.")
def balance(data: Data) -> Iterator[Finding]:
    """Look at the smallest class."""
    target = _target(data)
    if not is_classes(target):
        raise NotApplicable("The target is a measure.")
    counts = target.counts
    if len(counts) < 2:
        raise NotApplicable("The target has fewer than two classes.")
    least = int(counts.iloc[-1])
    # As many classes make each small: a class is rare beside an even share, at the most a half.
    part = least / len(target.there) * len(counts) / 2
    if part < data.limits.minority or least < _FEW_OF_A_CLASS:
        severity: Severity = "warning" if part < data.limits.least_minority or least < _FEW_OF_A_CLASS else "note"
        shown, hidden = counts.head(12), is_personal(data, target)
        yield Finding(
            severity,
            f"{target.label} is {quoted(data, target, str(counts.index[-1]))} in {share(least, len(target.there))}.",
            "score with average precision or balanced accuracy, class_weight='balanced', and stratify the split",
            (target.label,),
            {} if hidden else {str(name): int(count) for name, count in counts.head(100).items()},
            None
            if hidden
            else Plot("bars", [str(name) for name in shown.index], [float(c) for c in shown], [len(shown) - 1], "rows"),
        )


def is_classes(target: Column) -> bool:
    """Whether a target names classes, and is no measure."""
    if target.kind != "number":
        return True
    numbers = target.numbers
    return not target.has_more_than(MOST_CLASSES) and bool((numbers == numbers.round()).all())


def _target(data: Data) -> Column:
    if data.target is None:
        raise NotApplicable("There is no target: --target y.")
    target: Column = data.target
    return target
