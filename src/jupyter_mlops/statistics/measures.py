"""How far apart two sketches are: the field's measures, an effect whose bias is taken off, and how likely chance is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from scipy import special, stats

from .counting import Counts, Floats
from .sketches import Numbers, Sketch, Words

_BINS: Final = 10  # of PSI and Jensen-Shannon, as credit scoring has it (Siddiqi, 2006)
_LEAST_EXPECTED: Final = (
    10  # rows of a cell: Cochran (1954) asks the χ² test for 5, at p of 0.05; here p are a hundredth of that
)
_EXACT: Final = 50  # rows expected in the smaller of two cells, below which Fisher's test is made
_LEVEL: Final = 0.95
_KOLMOGOROV: Final = float(special.kolmogi(1 - _LEVEL))
_NORMAL: Final = float(special.ndtri((1 + _LEVEL) / 2))


@dataclass(frozen=True)
class Apart:
    """How one side of a column has moved.

    Attributes
    ----------
    side : {"values", "range", "missing"}
        How its values are distributed, how many lie beyond the reference's, or how many are missing.
    effect : float
        Without what chance alone gives: the Kolmogorov-Smirnov distance of numbers, else Cramér's V as of two
        samples of one size (so it does not hang on the sizes that they have).
    interval : (float, float)
        Of the effect, 95 %.
    p : float
        Of what is seen or more, if nothing had moved.
    figures : dict of str to float
        The measures by name.
    """

    side: str
    effect: float
    interval: tuple[float, float]
    p: float
    figures: dict[str, Any] = field(default_factory=dict)


def apart(before: Sketch, after: Sketch) -> list[Apart]:
    """Compare a window with its reference, from all sides.

    Parameters
    ----------
    before, after : Numbers or Words
        Counted on one grid.
    """
    sides = [missing((before.missing, before.rows), (after.missing, after.rows))]
    if not before.rows or not after.rows:
        return sides
    if isinstance(before, Numbers) and isinstance(after, Numbers):
        return [numbers(before, after), beyond(before, after), *sides]
    if isinstance(before, Words) and isinstance(after, Words):
        return [words(before, after), *sides]
    return sides


def numbers(before: Numbers, after: Numbers) -> Apart:
    """Compare the distributions of numbers: Kolmogorov-Smirnov at the edges of the grid.

    The interval is the effect with Kolmogorov's band (1933) to both sides, which is wider than need be.
    """
    size = _size(before.rows, after.rows)
    distance = float(np.abs(before.upto - after.upto).max())
    effect = np.sqrt(max(0.0, distance**2 - np.pi**2 / 12 / size))  # E[D²] of two samples of one distribution
    margin = _KOLMOGOROV / np.sqrt(size)
    figures = {
        "ks": distance,
        "wasserstein": _wasserstein(before, after),
        **_of_shares(*_binned(before, after)),
    }
    p = float(special.kolmogorov(np.sqrt(size) * distance))  # for small samples, and for ties, on the safe side
    return Apart("values", float(effect), _interval(float(effect), margin), p, figures)


def beyond(before: Numbers, after: Numbers) -> Apart:
    """Look at rows beyond the range of the reference.

    Whatever the distribution, the chance that the k largest of n + m rows are all of the window is C(m, k) / C(n + m, k)
    (Rosenbaum, 1954); the interval is the normal one of the root of χ² by the rows.
    """
    low, high = (int(after.counts[place]) for place in (0, -1)) if len(before.edges) else (0, 0)
    n, m = before.rows, after.rows
    p = min(1.0, 2 * min(float(np.exp(_log_choose(m, k) - _log_choose(n + m, k))) for k in (low, high)))
    share = max(low, high) / m
    effect = _v(np.array([0.0, 1.0]), np.array([share, 1 - share]), 1 / (4 * _size(n, m)))
    figures = {"below": low / m, "above": high / m}
    return Apart("range", effect, _interval(effect, _NORMAL / np.sqrt(4 * _size(n, m))), p, figures)


def unseen(side: str, before: int, after: int, found: int, alone: int = 0) -> Apart:
    """Look at rows of a kind that the reference has none of.

    Parameters
    ----------
    side : str
    before, after : int
        Rows of the reference, and of the window.
    found : int
        How many of the window's are of such a kind.
    alone : int
        Rows of the reference that are the only ones of their kind. Their share is what chance finds next
        (Good, 1953): among rare categories there are always new ones.
    """
    p = float(stats.hypergeom.sf(found - 1, before + after, alone + found, after))
    bias = 1 / (4 * _size(before, after))
    was, now = alone / before, found / after
    effect = _v(np.array([was, 1 - was]), np.array([now, 1 - now]), bias) if now > was else 0.0
    figures = {"expected": was, "share": now}
    return Apart(side, effect, _interval(effect, _NORMAL * np.sqrt(bias)), min(1.0, p), figures)


def stuck(before: Numbers, after: Numbers) -> Apart:
    """Look at numbers that are all the same, where those of the reference are not: how likely so many of its rows are.

    The share of the value is Laplace's (1814), so that what the reference has never had is not impossible.
    """
    place = int(np.searchsorted(before.edges, after.least))
    share = (before.counts[place] + 1) / (before.rows + 1)
    p = float(share ** (after.rows - 1)) if before.deviation and after.least == after.most else 1.0
    effect = float(1 - share) if p < 1 else 0.0
    return Apart("stuck", effect, (effect, effect), p, {"value": after.least})


def words(before: Words, after: Words) -> Apart:
    """Compare the shares of categories: χ² (Pearson, 1900), or Fisher's exact test (1934) of few rows, and Cramér's V (1946)."""
    found = _cells("values", before.array, after.array, has_rest=True)
    found.figures.update(_of_shares(before.array, after.array))
    if not before.rest:
        found.figures["new"] = after.rest / after.rows
    return found


def missing(before: tuple[int, int], after: tuple[int, int]) -> Apart:
    """Compare the shares that are missing.

    Parameters
    ----------
    before, after : (int, int)
        How many cells are missing, and how many are there.
    """
    found = _cells("missing", np.array(before), np.array(after))
    found.figures.update(before=before[0] / max(1, sum(before)), after=after[0] / max(1, sum(after)))
    return found


def _cells(side: str, before: Counts, after: Counts, *, has_rest: bool = False) -> Apart:
    """Compare counts in cells; those too small for the χ² test are taken together, with the rest where there is one."""
    if not before.sum() or not after.sum():
        return Apart(side, 0.0, (0.0, 1.0), 1.0)
    size = _size(int(before.sum()), int(after.sum()))
    before, after = _pooled(before, after, has_rest=has_rest)
    if len(before) < 2:
        return Apart(side, 0.0, _interval(0.0, _NORMAL / np.sqrt(4 * size)), 1.0)
    expected = _expected(before, after)
    chi2 = float(((after - expected) ** 2 / expected).sum() * (before.sum() + after.sum()) / before.sum())
    is_small = len(before) == 2 and expected.min() < _EXACT
    p = float(stats.fisher_exact([before, after])[1]) if is_small else float(special.chdtrc(len(before) - 1, chi2))
    effect = _v(before / before.sum(), after / after.sum(), (len(before) - 1) / (4 * size))
    return Apart(side, effect, _interval(effect, _NORMAL / np.sqrt(4 * size)), p, {"chi2": chi2, "cramers_v": effect})


def _pooled(before: Counts, after: Counts, *, has_rest: bool) -> tuple[Counts, Counts]:
    """Take small cells together.

    The rest is never a cell by itself: the reference has chosen what is in it, so that a window has more of it by chance.
    """
    both = before + after
    smaller = min(before.sum(), after.sum()) / both.sum()
    is_small = both * smaller < _LEAST_EXPECTED
    is_small[-1] |= has_rest
    for place in np.argsort(both):  # what is pooled must be large enough too
        if not 0 < both[is_small].sum() * smaller < _LEAST_EXPECTED or len(both) <= 2:
            break
        is_small[place] = True
    if not both[is_small].any() or len(both) <= 2:
        return before[both > 0], after[both > 0]
    return np.append(before[~is_small], before[is_small].sum()), np.append(after[~is_small], after[is_small].sum())


def _expected(before: Counts, after: Counts) -> Floats:
    return np.asarray((before + after) * (after.sum() / (before.sum() + after.sum())), dtype=np.float64)


def _v(before: Floats, after: Floats, bias: float) -> float:
    """Give Cramér's V of two samples taken as equally large, without its bias (Bergsma, 2013)."""
    total = before + after
    square = float(((before - after)[total > 0] ** 2 / (2 * total[total > 0])).sum())
    return float(np.sqrt(max(0.0, square - bias)))


def _wasserstein(before: Numbers, after: Numbers) -> float:
    """Give Wasserstein's distance in standard deviations of the reference; of a constant one in its own unit.

    It is the area between the two distribution functions (Vallender, 1974).
    """
    gaps = np.abs(before.upto - after.upto)
    within = float(((gaps[1:] + gaps[:-1]) / 2 * np.diff(before.edges)).sum())
    out = (after.below + after.above) / after.rows
    return (within + out) / (before.deviation or 1.0)


def _binned(before: Numbers, after: Numbers) -> tuple[Counts, Counts]:
    """Count both in bins between the deciles of the reference."""
    cuts = np.unique(np.searchsorted(before.upto, np.arange(1, _BINS) / _BINS))
    starts = np.concatenate([[0], cuts[cuts < len(before.edges)] + 1])
    starts = np.unique(starts)
    return np.add.reduceat(before.counts, starts), np.add.reduceat(after.counts, starts)


def _of_shares(before: Counts, after: Counts) -> dict[str, float]:
    """Give the population stability index and the Jensen-Shannon distance (base 2; Endres and Schindelin, 2003).

    The index (Siddiqi, 2006) is Jeffreys' divergence of binned shares; what chance gives it, (k - 1)(1 / n + 1 / m), is taken off
    (Yurdakul and Naranjo, 2020). Cells are counted half a row fuller, as Jeffreys' prior has it.
    """
    there = before + after > 0
    before, after = before[there], after[there]
    cells = len(before)
    p, q = ((each + 0.5) / (each.sum() + 0.5 * cells) for each in (before, after))  # an empty cell is no infinity
    chance = (cells - 1) * (1 / before.sum() + 1 / after.sum())
    middle = (p + q) / 2
    js = float((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2 / np.log(2))
    return {"psi": max(0.0, float(((p - q) * np.log(p / q)).sum() - chance)), "js": float(np.sqrt(max(0.0, js)))}


def _size(n: int, m: int) -> float:
    """Give the rows that two samples are worth together."""
    return n * m / (n + m)


def _log_choose(n: int, k: int) -> float:
    return float(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _interval(effect: float, margin: float) -> tuple[float, float]:
    return max(0.0, effect - float(margin)), min(1.0, effect + float(margin))
