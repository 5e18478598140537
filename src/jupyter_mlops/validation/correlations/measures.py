"""How strongly each two columns go together, for numbers and categories, each kind in one matrix product."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.linalg import lapack
from scipy.stats import rankdata

Floats = np.ndarray[Any, np.dtype[np.float32]]
Codes = np.ndarray[Any, np.dtype[np.int64]]

_ROWS_OF_RANKS: Final = 5_000  # of a rank correlation of 0.9 the standard error is then below 0.003


def standardise(values: np.ndarray[Any, np.dtype[np.float64]], out: Floats) -> bool:
    """Bring a column to mean 0 and variance 1; what is missing becomes 0, and so does what is constant.

    Parameters
    ----------
    values : array of float64, of shape (rows,)
        NaN where one is missing; it is worked on in place.
    out : array of float32, of shape (rows,)
        Where the result goes.

    Returns
    -------
    bool
        Whether some are missing.
    """
    with np.errstate(all="ignore"):  # the squares of numbers beyond 1e154 are infinite: those are made smaller first
        mean = float(values.mean()) if len(values) else 0.0
        gaps = np.isnan(values) if not np.isfinite(mean) else None
        there = len(values)
        if gaps is not None:
            there -= int(gaps.sum())
            values /= max(1.0, float(np.abs(values[~gaps]).max(initial=0.0)))
            mean = float(values[~gaps].mean()) if there else 0.0
            values[gaps] = mean
        values -= mean
        squares = float(np.einsum("i,i", values, values))  # not @: for threads it would wait longer than it works
        if not np.isfinite(squares):
            largest = float(np.abs(values).max())
            values /= largest
            mean /= largest
            squares = float(np.einsum("i,i", values, values))
        spread = np.sqrt(squares / max(1, there))
        # What is left of a constant by rounding is no spread.
        values *= 1 / spread if spread > 1e-12 * abs(mean) and spread > 1e-150 else 0.0
    out[:] = values
    return gaps is not None and there < len(values)


def pearson(table: Floats, gaps: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> Floats:
    """Correlate standardised columns; two columns by the rows in which both are there.

    Parameters
    ----------
    table : array of float32, of shape (rows, columns)
        As ``standardise`` gives it.
    gaps : array of bool, of shape (rows, columns), optional
        What was missing. Means are those of each column by itself.

    Returns
    -------
    array of float32, of shape (columns, columns)
    """
    product = table.T @ table
    if gaps is None:
        product /= max(1, len(table))
        return np.clip(product, -1, 1, out=product)
    sums = np.diag(product).copy()
    scale = np.sqrt(np.outer(sums, sums))
    if (holes := np.flatnonzero(gaps.any(axis=0))).size:
        squares = np.broadcast_to(sums[:, None], product.shape).copy()  # of each column where the other is there
        squares[:, holes] -= (table**2).T @ gaps[:, holes].astype(np.float32)
        scale = np.sqrt(np.maximum(squares * squares.T, 0))
    return _within_one(np.divide(product, scale, out=np.zeros_like(product), where=scale > 1e-6 * len(table)))


def spearman(table: Floats, gaps: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> Floats:
    """Correlate the ranks of columns, in at most 5,000 of the rows.

    Parameters
    ----------
    table : array of float32, of shape (rows, columns)
        Numbers of which only the order matters.
    gaps : array of bool, of shape (rows, columns), optional
        What is missing in it.
    """
    some = np.linspace(0, len(table) - 1, min(len(table), _ROWS_OF_RANKS)).astype(int)
    ranks = np.empty((len(some), table.shape[1]), dtype=np.float32, order="F")
    for place in range(table.shape[1]):
        values = table[some, place]
        if gaps is None or not (gone := gaps[some, place]).any():
            standardise(_ranks(values), ranks[:, place])
        else:
            ranked = np.full(len(values), np.nan)
            ranked[~gone] = _ranks(values[~gone])
            standardise(ranked, ranks[:, place])
    return pearson(ranks, None if gaps is None else gaps[some])


def cramer(codes: list[Codes], bins: list[int]) -> Floats:
    """Give Cramér's V of each two columns of categories, corrected for chance (Bergsma, 2013).

    Parameters
    ----------
    codes : list of array of int64, of shape (rows,)
    bins : list of int
        How many categories each has.
    """
    rows = len(codes[0])
    hot, starts = _one_hot(codes, bins)
    counts = hot.sum(axis=0, dtype=np.float64)
    together = (hot.T @ hot).astype(np.float64) ** 2
    together /= np.maximum(np.outer(counts, counts), 1)
    phi = np.add.reduceat(np.add.reduceat(together, starts, axis=0), starts, axis=1) - 1  # χ² / rows
    used = np.add.reduceat((counts > 0).astype(float), starts)
    by_chance = np.outer(used - 1, used - 1) / (rows - 1)
    left = used - (used - 1) ** 2 / (rows - 1)
    return _within_one(np.sqrt(np.maximum(phi - by_chance, 0) / np.maximum(np.minimum.outer(left, left) - 1, 1e-9)))


def correlation_ratio(codes: list[Codes], bins: list[int], table: Floats) -> Floats:
    """Give η, the correlation ratio of numbers in categories, corrected for chance (ε²; Kelley, 1935).

    Parameters
    ----------
    codes : list of array of int64, of shape (rows,)
    bins : list of int
    table : array of float32, of shape (rows, columns)
        As ``standardise`` gives it.

    Returns
    -------
    array of float32, of shape (categories, numbers)
    """
    rows = len(table)
    hot, starts = _one_hot(codes, bins)
    counts = hot.sum(axis=0, dtype=np.float64)
    between = (hot.T @ table).astype(np.float64) ** 2 / np.maximum(counts, 1)[:, None]
    total = np.maximum(np.einsum("ij,ij->j", table, table, dtype=np.float64), 1e-9)
    share = np.add.reduceat(between, starts, axis=0) / total
    used = np.add.reduceat((counts > 0).astype(float), starts)[:, None]
    return _within_one(np.sqrt(np.maximum(1 - (1 - share) * (rows - 1) / np.maximum(rows - used, 1), 0)))


def inflation(correlations: Floats) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the variance inflation factor of each number: the diagonal of the inverse of their correlations.

    A thousandth of a percent is added to the diagonal: what is exactly told by others is at about 100,000.
    """
    matrix = correlations.astype(np.float64)
    matrix[np.diag_indices_from(matrix)] = 1 + 1e-5
    factor, failed = lapack.dpotrf(matrix)
    if not failed:
        inverse, failed = lapack.dpotri(factor)
        return np.asarray(np.diag(inverse))
    values, vectors = np.linalg.eigh(matrix)  # of pairs with gaps: such a matrix need not be that of any numbers
    return np.asarray((vectors**2 / np.maximum(values, 1e-5)).sum(axis=1))


def _ranks(values: Floats) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rank numbers; ties get their mean rank."""
    order = np.argsort(values)
    ordered = values[order]
    ranks = np.empty(len(values))
    if (ordered[1:] == ordered[:-1]).any():
        return np.asarray(rankdata(values), dtype=np.float64)
    ranks[order] = np.arange(len(values))
    return ranks


def _one_hot(codes: list[Codes], bins: list[int]) -> tuple[Floats, Codes]:
    starts = np.concatenate([[0], np.cumsum(bins)[:-1]]).astype(np.int64)
    hot = np.zeros((len(codes[0]), int(sum(bins))), dtype=np.float32)
    rows = np.arange(len(codes[0]))
    for code, start in zip(codes, starts, strict=True):
        hot[rows, code + start] = 1
    return hot, starts


def _within_one(matrix: np.ndarray[Any, Any]) -> Floats:
    return np.asarray(np.clip(matrix, -1, 1), dtype=np.float32)
