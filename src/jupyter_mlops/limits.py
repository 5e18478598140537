"""From where on a check of data speaks up: ``[validation]`` of ``mlops.toml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class DataLimits(BaseModel):
    """``[validation.data]``: the limits of the checks; each default says where it is from.

    Attributes
    ----------
    missing, most_missing : float
        The share of a column that may be missing before it is a warning, and an error. A tenth is where filling in
        begins to distort a distribution (Bennett, 2001); half is more made up than measured.
    constant : float
        The share of one value from which a column is near-constant: 95/5, as caret's ``nearZeroVar`` has it, and
        at most a tenth of the rows differ.
    duplicates : float
        The share of rows that may be copies of others. A hundredth: what joins leave behind is more.
    outliers : float
        The share of a column that may lie far out.
    far : float
        How far out that is, in robust standard deviations (median and MAD) of the log-like transformed values; 3.5 is
        that of Iglewicz and Hoaglin (1993), who gave the modified z-score; 8 leaves heavy tails alone.
    categories : int
        How many categories a column of text may have before one-hot encoding is no good idea.
    repeats : float
        The mean number of rows to a value from which text looks like a category.
    minority : float
        The share of the smallest class below which accuracy says little; a tenth is "moderate" imbalance in Google's
        guide to imbalanced data (20 to 40 % mild, 1 to 20 % moderate, below 1 % extreme).
    least_minority : float
        The same, as an error: under a hundredth.
    overlap : float
        The share of rows that may also be in the reference.
    ids : float
        The share of distinct values from which a column looks like an id.
    leak, leak_by_gaps : float
        The share of the target that a feature tells by itself from which it is taken for a leak (R² of ranks, Brier
        skill score), and that its gaps tell. Measured: the most that an honest feature tells in scikit-learn's
        bundled sets is 0.87 (iris), where deepchecks' limit for it, 0.8, would ring; a copy of a label with 1 in 100
        wrong tells 0.95.
    interaction : float
        The share of what single features leave open that two together tell, from which they are worth a look.
    mislabelled : float
        The share of labels that look wrong from which it is a warning. Northcutt et al. (2021) estimate 3.4 % in ten
        well-known test sets.
    gain : float
        The share of the target that twice the rows must have told more for more rows to be worth while.
    same : float
        The correlation from which two features tell the same; 0.9 is what caret's ``findCorrelation`` takes.
    inflation : float
        The variance inflation factor from which a feature is told by the others together; 10 is that of Marquardt (1970).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    missing: Share = 0.1
    most_missing: Share = 0.5
    constant: Share = 0.95
    duplicates: Share = 0.01
    outliers: Share = 0.001
    far: Annotated[float, Field(gt=0)] = 8.0
    categories: Annotated[int, Field(ge=2, strict=True)] = 50
    repeats: Annotated[float, Field(ge=1)] = 20.0
    minority: Share = 0.1
    least_minority: Share = 0.01
    overlap: Share = 0.01
    ids: Share = 0.98
    leak: Share = 0.9
    leak_by_gaps: Share = 0.5
    interaction: Share = 0.02
    mislabelled: Share = 0.04
    gain: Share = 0.02
    same: Share = 0.9
    inflation: Annotated[float, Field(gt=1)] = 10.0


class ValidationSettings(BaseModel):
    """``[validation]``: limits, and checks that are ignored, each with its reason.

    Attributes
    ----------
    data : DataLimits
    ignore : dict of str to str
        By the code of the check, or the code and a column (``"DQ002:age"``): why it is ignored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: DataLimits = DataLimits()
    ignore: dict[str, Annotated[str, Field(min_length=1)]] = {}
