"""From where on a check of data or of a model speaks up: ``[validation]`` of ``mlops.toml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_CODE: Final = re.compile(r"([A-Za-z]{2}\d{3})(:.*)?", re.DOTALL)
_THRESHOLD: Final = re.compile(r"\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")

Share = Annotated[float, Field(ge=0, le=1)]


def is_threshold(text: str) -> str:
    """Make sure that a text is a threshold, as ``>= 0.9``."""
    if not _THRESHOLD.fullmatch(text):
        raise ValueError(f'{text!r} is no threshold; write it as ">= 0.9"')
    return text


def is_code(text: str) -> str:
    """Make sure that a text is the code of a check, or that and a column, as ``DQ003:age``; in capitals."""
    match = _CODE.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is no code of a check; write it as "DQ003", or "DQ003:age" for one column')
    return match[1].upper() + (match[2] or "")


@dataclass(frozen=True)
class Threshold:
    """A bound on a metric, as ``>= 0.9``."""

    relation: str
    bound: float

    @classmethod
    def of(cls, text: str) -> Threshold:
        """Read ``">= 0.9"``; the settings have been checked for that form."""
        match = _THRESHOLD.fullmatch(is_threshold(text))
        assert match is not None
        return cls(match[1], float(match[2]))

    def holds(self, value: float) -> bool:
        """Whether ``value`` is within the bound; NaN never is."""
        return {
            ">=": value >= self.bound,
            "<=": value <= self.bound,
            ">": value > self.bound,
            "<": value < self.bound,
        }[self.relation]

    def __str__(self) -> str:
        return f"{self.relation} {self.bound:g}"


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
    shift : float
        The least shift from the reference that is told as drift, in standard deviations; 0.2 is a small effect of Cohen
        (1988). Of what is no shift the distance is taken that such a shift has (``statistics/alarms.py``).
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
    k, diversity : int
        The smallest group of people that share their quasi-identifiers, and how many values of a special category it
        should have: 5 is the smallest cell that is usually published (El Emam and Dankar, 2008); 2 is the least
        that Machanavajjhala et al. (2007) call diverse.
    singled_out : float
        The share of rows that may be in smaller groups: a hundredth, as with duplicates; 0 asks for k without exception.
    proxy, strong_proxy : float
        Cramér's V of a feature with a protected attribute from which it is told, and is a warning: a medium and a large
        effect of Cohen (1988).
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
    shift: Annotated[float, Field(gt=0, le=5)] = 0.2
    ids: Share = 0.98
    leak: Share = 0.9
    leak_by_gaps: Share = 0.5
    interaction: Share = 0.02
    mislabelled: Share = 0.04
    gain: Share = 0.02
    same: Share = 0.9
    inflation: Annotated[float, Field(gt=1)] = 10.0
    k: Annotated[int, Field(ge=1, strict=True)] = 5
    diversity: Annotated[int, Field(ge=1, strict=True)] = 2
    singled_out: Share = 0.01
    proxy: Share = 0.3
    strong_proxy: Share = 0.5


class SecurityLimits(BaseModel):
    """``[validation.model.security]``: the limits of what ``--security`` adds.

    Attributes
    ----------
    noise : float
        The change that nobody would notice, in standard deviations of each number: half of what MV012 adds.
    flips : float
        The share of answers that such noise may turn. Measured: of forests and linear models on scikit-learn's bundled
        sets it turns 0 to 2 %.
    membership, most_membership : float
        How well the loss may tell rows that were trained on from others (AUC), before it is a warning, and an error:
        0.7 is where Hosmer and Lemeshow (2000) call telling apart acceptable; 0.6 is half of the way to it from a guess.
    turned : float
        The share of labels that may be other than those of their neighbours; 3.4 % of those of ten well-known test sets
        are wrong by mistake (Northcutt et al., 2021). Measured: at most 1.6 % on scikit-learn's bundled sets. Half of it
        where a model that has not seen them disputes those labels, too.
    adversarial : float
        The share of rows that may be turned by a change of ``noise`` that was looked for. Measured as ``flips``: 0 to 20 %.
    attack_seconds : float
        The time for looking.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    noise: Annotated[float, Field(gt=0)] = 0.05
    flips: Share = 0.05
    membership: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    most_membership: Annotated[float, Field(ge=0.5, le=1)] = 0.7
    turned: Share = 0.04
    adversarial: Share = 0.25
    attack_seconds: Annotated[float, Field(gt=0)] = 5.0


class ModelLimits(BaseModel):
    """``[validation.model]``, or ``[validation.models.NAME]`` for one model: the limits of the checks of models.

    Attributes
    ----------
    scores : dict of str to str
        Bounds on scorers of scikit-learn, as ``roc_auc = ">= 0.9"``.
    gain : float
        By how much a model must be better than the champion, in units of the scorer. 0: better at all; a negative one
        asks for "not worse by more than this", as trials of non-inferiority do.
    confidence : float
        Of the intervals. 0.99, two-sided: of two models that are equal, one is called better in 1 of 200.
    replicates : int
        Resamples of the bootstrap; 1,000 is what Efron and Tibshirani (1993) ask for an interval.
    least_rows : int
        Below which no interval is believed.
    drop : float
        By how much a slice may be worse than the whole, in units of the scorer.
    slice_rows : int
        The least rows of a slice, or a group; 30 is where means begin to be normal.
    gap : float
        By how much the score on the training data may exceed that on the test data.
    spread : float
        The half width of the score's interval from which the test data is too small to say.
    calibration : float
        The expected calibration error (Naeini et al., 2015) from which probabilities mislead.
    parity : float
        The least ratio of selection rates between groups: the four-fifths rule of the EEOC (1978).
    odds : float
        The largest difference of true, or of false positive rates between groups.
    noise : float
        The noise that is added to each number, in its standard deviations.
    robust : float
        By how much noise, or missing values, may lower the score.
    emptied : float
        The share of cells that are emptied to see what missing values do.
    refitted : float
        How far apart the scores of models may be that differ by their seed, or by the fold they were trained without;
        as of noise. Bouthillier et al. (2021) found seeds to move a score less than the rows of the test data do.
    refit_seconds : float
        The time in which it is fitted again so often; where it is too short, on fewer rows, or not at all.
    invariant, increasing, decreasing : list of str
        Features that must not matter, or must only raise or lower the prediction.
    unavailable : list of str
        Features that are not known when the model is asked.
    milliseconds : float, optional
        What one prediction may take, at the 95th percentile.
    megabytes : float, optional
        How large the model's files may be.
    security : SecurityLimits
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: dict[str, Annotated[str, AfterValidator(is_threshold)]] = {}
    gain: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    confidence: Annotated[float, Field(ge=0.5, le=0.9999)] = 0.99
    replicates: Annotated[int, Field(ge=100, le=100_000, strict=True)] = 1000
    least_rows: Annotated[int, Field(ge=10, strict=True)] = 50
    drop: Annotated[float, Field(ge=0)] = 0.1
    slice_rows: Annotated[int, Field(ge=10, strict=True)] = 30
    gap: Annotated[float, Field(ge=0)] = 0.1
    spread: Annotated[float, Field(gt=0)] = 0.1
    calibration: Share = 0.1
    parity: Share = 0.8
    odds: Share = 0.1
    noise: Annotated[float, Field(gt=0)] = 0.1
    robust: Annotated[float, Field(ge=0)] = 0.05
    emptied: Annotated[float, Field(gt=0, le=1)] = 0.05
    refitted: Annotated[float, Field(ge=0)] = 0.05
    refit_seconds: Annotated[float, Field(gt=0)] = 10.0
    invariant: list[str] = []
    increasing: list[str] = []
    decreasing: list[str] = []
    unavailable: list[str] = []
    milliseconds: Annotated[float, Field(gt=0)] | None = None
    megabytes: Annotated[float, Field(gt=0)] | None = None
    security: SecurityLimits = SecurityLimits()


class ValidationSettings(BaseModel):
    """``[validation]``: limits, and checks that are ignored, each with its reason.

    Attributes
    ----------
    data : DataLimits
    model : ModelLimits
    models : dict of str to ModelLimits
        Those of one model, by its name; what is not set there is as in ``model``.
    contract : str, optional
        The file with the contract that data is held to, from the folder of mlops.toml.
    ignore : dict of str to str
        By the code of the check, or the code and a column (``"DQ002:age"``): why it is ignored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: DataLimits = DataLimits()
    model: ModelLimits = ModelLimits()
    models: dict[str, ModelLimits] = {}
    contract: Annotated[str, Field(min_length=1)] | None = None
    ignore: dict[Annotated[str, AfterValidator(is_code)], Annotated[str, Field(min_length=1)]] = {}

    def of_model(self, name: str) -> ModelLimits:
        """Give the limits of one model."""
        own = self.models.get(name)
        if own is None:
            return self.model
        return self.model.model_copy(update={field: getattr(own, field) for field in own.model_fields_set})

    def for_data(self) -> dict[str, Any]:
        """Give what a report of data hangs on; another one asks for a new report."""
        return {"data": self.data.model_dump(), "contract": self.contract, "ignore": self.ignore}

    def for_model(self, name: str) -> dict[str, Any]:
        """Give what a report of a model hangs on; another one asks for a new report."""
        return {"model": self.of_model(name).model_dump(), "ignore": self.ignore}
