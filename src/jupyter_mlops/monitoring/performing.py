"""How what an endpoint has answered performs: its log by windows, with the labels that have come by now.

A window is reckoned again where a row of it is new, or a label for one of its rows has come, and else read from what lies beside the
sketches. It is reckoned as a whole: an area under the curve, an estimate's weights and a metric of the user's own are of all rows
together, and no sums of pieces. So a look costs the rows of the windows in which something is new; never the rest of the log. The
watch over the loss takes in the labels that are new, whatever they are of.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..disk import write_whole
from ..entities import file_name, typed
from ..errors import BackendUnreachable, InvalidUsage, MlopsError, NotWritable
from ..serving.log import labels, reader
from ..serving.log.inputs import PREFIX, TENSOR
from ..statistics.performance.reference import Reference
from ..statistics.performance.rows import Rows, metrics_of
from ..validation.privacy import words
from ..workspace import Workspace
from . import baseline
from .arrivals import Arrivals
from .buckets import Who, of_who
from .performance import chances
from .performance.business import Business
from .performance.concept import Watch
from .performance.kept import Window
from .performance.performed import TEST, Performed, span_of
from .performance.slices import by_slices
from .performance.windows import window_of
from .rows import unfolded

if TYPE_CHECKING:
    from ..statistics.profile import Profile

_FOLDER = "performance"


class Performing:
    """The performance of one endpoint.

    Parameters
    ----------
    workspace : Workspace
    endpoint : str
    log, folder : Path
        Where the prediction log lies, and where monitoring keeps what it has reckoned.
    slices : sequence of str
        Columns by whose values the champion is measured too, in the last window.
    before : float
        Up to when nothing is kept any more, in seconds since the epoch.
    """

    def __init__(
        self,
        workspace: Workspace,
        endpoint: str,
        log: Path,
        folder: Path,
        slices: Sequence[str] = (),
        before: float = 0.0,
    ) -> None:
        self._slices = slices
        self._workspace, self._endpoint, self._log, self._folder = workspace, endpoint, log, folder
        self._arrivals = Arrivals(log, folder, before)
        self._labels = self._arrivals.state
        self._references: dict[tuple[str, int], tuple[Reference | None, str, str]] = {}
        self._estimators: dict[tuple[str, int], tuple[Any, str]] = {}
        self._business: list[Business] | None = None
        self.notes: list[str] = []
        self.read_rows = 0
        """How many rows have been read from the log, and measured."""

    def of(self, who: Who, profile: Profile | None, start: float, end: float, rows: int, *, is_last: bool) -> Performed | None:  # fmt: skip
        """Measure a version in a window; None where what it answers can't be measured, which is noted.

        Parameters
        ----------
        who : Who
        profile : Profile, optional
            That of the version.
        start, end : float
        rows : int
            How many there are, by which it is seen whether there are new ones.
        is_last : bool
            Whether it is the last window: the watch over the loss is told with it.
        """
        reference, why, digest = self._reference(who, profile)
        try:
            window, first = self._window(who, reference, digest, start, end, rows)
            watch, unwatched = self._watch(who, reference, why, digest) if is_last else (None, "")
        except InvalidUsage as error:
            self._note(f"No performance of {who.model}/{who.version}: {error.message}")
            return None
        asked = self._slices and is_last and who.arm == "champion"
        slices = self._sliced(who, profile, reference, start, end) if asked else {}
        return Performed(window, first, reference, why, watch, unwatched, slices)

    def _reference(self, who: Who, profile: Profile | None) -> tuple[Reference | None, str, str]:
        """Read what is known of a version: the reference, why no estimate can be made by it, and what tells it from others."""
        key = who.model, who.version
        if key not in self._references:
            slot = dict(profile.performance) if profile is not None else {}
            digest = hashlib.sha256(json.dumps(slot, sort_keys=True).encode()).hexdigest()[:12]
            self._references[key] = (*self._read(who, slot), digest)
        return self._references[key]

    def _read(self, who: Who, slot: dict[str, Any]) -> tuple[Reference | None, str]:
        test = TEST.format(ref=typed(f"{who.model}/{who.version}"))
        if not slot:
            return None, f"it is not known how good {who.model}/{who.version} was: {test}"
        try:
            found = Reference.read(slot)
        except (MlopsError, KeyError, TypeError, ValueError, AttributeError):
            return None, f"what is kept of its performance can't be read: {test}"
        if found.source == "train":
            return found, f"{found.untrusted}: {test}"
        log = self._workspace.settings.endpoint(self._endpoint).log
        hidden = {*self._workspace.settings.privacy.personal, *log.hash, *log.drop}
        if found.expected is not None and (asked := hidden & {*map(str, found.expected.absolute.columns)}):
            found = replace(found, untrusted=f"the log has no values of {', '.join(sorted(asked)[:3])}")
        if any(hidden & {*map(str, trees.columns)} for trees in found.corrections):
            found = replace(found, corrections=())
        return found, found.untrusted

    def _window(
        self, who: Who, reference: Reference | None, digest: str, start: float, end: float, rows: int
    ) -> tuple[Window, float]:
        said = hashlib.sha256(f"{who.model}/{who.version}/{who.arm}".encode()).hexdigest()[:8]
        file = self._folder / _FOLDER / digest / f"{round(start)}-{round(end - start)}-{said}.json"
        state = f"{rows} {self._arrivals.of(start, end)}"
        business = self._business_metrics()  # whose functions may change: what they give is not kept
        if not business and (stored := self._stored(file, state)) is not None:
            return stored
        found, is_sure = self._rows(who, reference, start, end)
        window = window_of(found, reference, span_of(start, end), metrics_of(found.task), business)
        if found.notes:
            window = replace(window, notes=[*window.notes, *found.notes])
        first = float(found.frame["time"].min().timestamp()) if len(found) else start
        if is_sure and not business:
            with contextlib.suppress(NotWritable):  # it is reckoned again
                write_whole(file, json.dumps({"state": state, "first": first, "window": window.to_dict()}))
        return window, first

    def _rows(self, who: Who, reference: Reference | None, start: float, end: float) -> tuple[Rows, bool]:
        """Read the rows of a window, with the probabilities where they can be had; and whether that is so for good."""
        table = of_who(reader.read(self._log, since=start, until=end, versions=[who.version]), who)
        self.read_rows += table.num_rows
        unfolds = unfolded(table[TENSOR]) if TENSOR in table.column_names else {}
        frame = table.to_pandas().assign(**{f"{PREFIX}{name}": its.to_numpy() for name, its in unfolds.items()})
        frame["time"] = pd.to_datetime(frame["time"], utc=True)
        answers = [name for name in frame.columns if str(name).startswith("prediction_")]
        no_chances, is_sure = "", True
        task, classes = (None, None) if reference is None else (reference.task, reference.classes)
        has_labels = bool(frame["label"].notna().any())
        if not answers and task != "regressor" and (has_labels or (reference is not None and not reference.untrusted)):
            frame, no_chances, is_sure = self._with_chances(who, frame)
        found = Rows.of(frame, task=task, classes=classes)
        return (replace(found, no_chances=no_chances) if no_chances else found), is_sure

    def _sliced(
        self, who: Who, profile: Profile | None, reference: Reference | None, start: float, end: float
    ) -> dict[tuple[str, str], Window]:
        """Measure each value of the columns that were asked for."""
        personal = {
            *self._workspace.settings.privacy.personal,
            *self._workspace.settings.endpoint(self._endpoint).log.hash,
        }
        for column in self._slices:
            known = profile.columns.get(column) if profile is not None else None
            if column in personal or words.says_anything(column) or (known is not None and known.hidden):
                raise InvalidUsage(
                    f"{column} is personal, by its mark or its name: its values are not shown.",
                    "--slice of another column",
                )
        return by_slices(self._rows(who, reference, start, end)[0], reference, span_of(start, end), self._slices)

    def _stored(self, file: Path, state: str) -> tuple[Window, float] | None:
        try:
            said = json.loads(file.read_text())
            return (Window.read(said["window"]), float(said["first"])) if said["state"] == state else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _with_chances(self, who: Who, frame: pd.DataFrame) -> tuple[pd.DataFrame, str, bool]:
        """Have the version say its probabilities; else why there are none, and whether that is so for good."""
        try:
            key = who.model, who.version
            if key not in self._estimators:
                self._estimators[key] = baseline.estimator_of(self._workspace, *key)
            estimator, why = self._estimators[key]
        except BackendUnreachable as error:
            return frame, f"the version can't be asked for probabilities: {error.message}", False
        except MlopsError as error:
            return frame, error.message, True
        if estimator is None:
            return frame, f"the version can't be asked for probabilities: {why}", True
        return (*chances.from_model(estimator, frame), True)

    def _business_metrics(self) -> list[Business]:
        if self._business is None:
            self._business = []
            for name, written in self._workspace.settings.monitored(self._endpoint).business.items():
                try:
                    self._business.append(Business.of(name, written, self._workspace.root))
                except InvalidUsage as error:
                    self._note(str(error))
        return self._business

    def _watch(self, who: Who, reference: Reference | None, why: str, digest: str) -> tuple[Watch | None, str]:
        """Take in the labels that have come since the last look, of whatever window."""
        if reference is None or reference.source == "train":
            return None, why
        file = self._folder / _FOLDER / digest / f"concept {file_name(who.model)} {who.version}.json"
        state, mark, watch = "", "", Watch.begin(reference)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # it begins anew, with all labels
            said = json.loads(file.read_text())
            state, mark, watch = str(said["state"]), str(said["mark"]), Watch.read(said["watch"])
        if state == self._labels or not self._labels:
            return watch, ""
        ids, mark = labels.since(self._log, mark)
        if ids:
            frame = reader.read(self._log, ids=ids, versions=[who.version]).to_pandas()
            watch = watch.after(frame[frame["model"].astype(str) == who.model], reference)
        with contextlib.suppress(NotWritable):
            write_whole(file, json.dumps({"state": self._labels, "mark": mark, "watch": watch.to_dict()}))
        return watch, ""

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
