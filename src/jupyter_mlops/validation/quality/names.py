"""The names and types of columns, by themselves and beside a reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..catalogues import DATA
from ..checks import NotApplicable
from ..data import Data, counted
from ..findings import Finding


@DATA.check("DQ001", "Columns and types as in the reference", "A model is asked by names and types; one that is gone or another fails, or worse, does not.")  # fmt: skip
def schema(data: Data) -> Iterator[Finding]:
    """Compare names and kinds with the reference."""
    if data.reference is None:
        raise NotApplicable("There is no reference: --reference df.")
    here, there = data.by_label, data.reference.by_label
    if gone := tuple(name for name in there if name not in here):
        yield Finding("error", f"{counted(len(gone), 'column of the reference is', 'columns of the reference are')} gone: {listed(gone)}.", "bring them back, or make the reference anew", gone)  # fmt: skip
    if new := tuple(name for name in here if name not in there):
        yield Finding("warning", f"{counted(len(new), 'column is', 'columns are')} new: {listed(new)}.", "leave them out, or train with them", new)  # fmt: skip
    for name in here:
        if name not in there:
            continue
        was, now = there[name].kind, here[name].kind
        if was == now == "time" and ("" in there[name].zones) != ("" in here[name].zones):
            before, after = (", ".join(zone or "none" for zone in each.zones) for each in (there[name], here[name]))
            yield Finding("error", f"{name} was in time zone {before}, and now is in {after}.", f"df[{name!r}].dt.tz_localize(…), or .dt.tz_convert(None)", (name,), {"was": before, "is": after})  # fmt: skip
        if was != now and "nothing" not in (was, now):
            yield Finding("error", f"{name} was {was}, and now is {now}.", f"convert it: df[{name!r}].astype(…)", (name,), {"was": was, "is": now})  # fmt: skip


@DATA.check("DQ002", "Names of columns", "Two columns of one name can't be told apart, and names that are no text change on their way through files.")  # fmt: skip
def names(data: Data) -> Iterator[Finding]:
    """Look for doubled names, names with space around them, and names that are no text."""
    twice = tuple(name for name, count in Counter(column.label for column in data.columns).items() if count > 1)
    if twice:
        yield Finding("error", f"{counted(len(twice), 'name stands', 'names stand')} over more than one column: {listed(twice)}.", "df.columns = […], each with a name of its own", twice)  # fmt: skip
    padded = tuple(column.label for column in data.columns if column.label != column.label.strip())
    if padded:
        yield Finding("warning", f"{counted(len(padded), 'name has white space around it', 'names have white space around them')}: {listed(padded)}.", "df.columns = df.columns.str.strip()", padded)  # fmt: skip
    other = tuple(str(label) for label in data.frame.columns if not isinstance(label, str))
    if other:
        yield Finding("note", f"{counted(len(other), 'name is', 'names are')} no text, such as {other[0]}.", "df.columns = df.columns.map(str)", other)  # fmt: skip


def listed(names: tuple[str, ...], most: int = 5) -> str:
    """Write names, not all of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
