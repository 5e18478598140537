"""Free text by presidio's recognisers, where it is installed: cards, ids of people, addresses of machines; and names.

The recognisers are asked one by one. Its AnalyzerEngine would fetch a model of spaCy, and its recogniser of e-mail addresses
a list of domains: nothing is fetched here. Names of people need a model, so they are found where somebody has installed one.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points, version
from typing import Any, Final

from .lexicon import FIRM
from .words import fold

_log = logging.getLogger(__name__)

MOST: Final = 500
"""Sentences of a column that are read."""
LONGEST: Final = 1000
"""Signs of each of them."""
SECONDS: Final = 10.0
"""The time of all columns together, after which the rest is left unread."""
INSTALL: Final = "%pip install 'jupyter-mlops[nlp]'"

_IDS: Final = "AuMedicare AuTfn CaSin DeSocialSecurity DeTaxId EsNie EsNif FiPersonalIdentityCode InAadhaar InPan ItFiscalCode KrRrn NgNin Nhs PlPesel SePersonnummer SgFin ThTnin TrNationalId UkNino UsItin UsSsn ZaIdNumber"  # fmt: skip
_KINDS: Final = {"card numbers": "CreditCard", "IP addresses": "Ip", "ids of people": _IDS}
_BY_FORM: Final = ("IP_ADDRESS", "UK_NINO", "US_SSN")  # written as nothing else is
_GROUPS: Final = re.compile(r"\d{4}([ -])\d{4,6}\1\d{4,5}(\1\d{4})?")  # of the digits of a card
_VERSION: Final = re.compile(r"(version|release|build|\bv)[ .:]*$", re.IGNORECASE)
_SURE: Final = 0.5
_NEAR: Final = 60  # signs before, and half of them after: about the five words that presidio's own enhancer looks at
_PEOPLE: Final = ("PERSON", "PER", "persName")  # as the models of spaCy's languages call them
_LANGUAGE: Final = 0.1  # of the words are stop words of the language; a third in English prose
_UNNEEDED: Final = (
    "attribute_ruler",
    "lemmatizer",
    "morphologizer",
    "parser",
    "senter",
    "tagger",
    "trainable_lemmatizer",
)
_TOLD: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]+")


@dataclass
class Read:
    """What was read in a column.

    Attributes
    ----------
    rows : int
        How many of its sentences were read; fewer where time was up.
    found : Counter of str
        In how many of them there is what.
    model : str
        The model of spaCy that looked for names; empty where none is installed for the language.
    """

    rows: int = 0
    found: Counter[str] = field(default_factory=Counter)
    model: str = ""


@cache
def is_installed() -> bool:
    """Whether presidio is there; it is not imported for that."""
    return importlib.util.find_spec("presidio_analyzer") is not None


class Reader:
    """Reads columns of free text, all of them within one time.

    Parameters
    ----------
    is_name : callable
        Whether a folded word is one of a person's name: models take other things for people, too.

    Attributes
    ----------
    columns : dict of str to Read
        By their names; empty where presidio isn't installed.
    """

    def __init__(self, is_name: Callable[[str], bool]) -> None:
        self.columns: dict[str, Read] = {}
        self._is_name = is_name
        self._spent = 0.0

    def read(self, label: str, texts: Sequence[str]) -> Read:
        """Read sentences from everywhere in a column, until all are read or time is up."""
        out = self.columns[label] = Read()
        if not is_installed():
            return out
        some = [text[:LONGEST] for text in texts[:: max(1, len(texts) // MOST)][:MOST]]
        _recognisers()  # what is imported once is not the column's
        model = _model_for(some)
        out.model = "" if model is None else f"{model.meta['lang']}_{model.meta['name']} {model.meta['version']}"
        begin = time.perf_counter()
        for text, people in _with_people(some, model):
            if self._spent + time.perf_counter() - begin > SECONDS:
                break
            out.rows += 1
            out.found.update(what for what in _KINDS if any(_hits(what, text)))
            out.found.update({"names"} if any(_is_somebody(name, self._is_name) for name in people) else ())
        self._spent += time.perf_counter() - begin
        return out


def _hits(what: str, text: str) -> Iterator[bool]:
    """Say of each match whether it is one: its check digit alone is right by chance in a tenth, so a word must say so too."""
    for recogniser in _recognisers()[what]:
        for found in recogniser.analyze(text, recogniser.supported_entities):
            match = text[found.start : found.end]
            is_sure = found.score >= _SURE
            if recogniser.supported_entities[0] == "IP_ADDRESS":
                yield is_sure and len(match) > 6 and not _VERSION.search(text[: found.start])
            elif is_sure and (recogniser.supported_entities[0] in _BY_FORM or _GROUPS.fullmatch(match)):
                yield True
            elif is_sure and found.score == 1 and match[0] != match[-1] and any(map(str.isalpha, match)):
                yield True  # letters and digits in their order, and the check digit
            else:
                near = f"{text[max(0, found.start - _NEAR) : found.start]} {text[found.end : found.end + _NEAR // 2]}"
                yield bool(_context(recogniser).search(near)) and (is_sure or found.score > 0.05)


@cache
def _recognisers() -> dict[str, list[Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        rooms = importlib.import_module("presidio_analyzer.predefined_recognizers")
    return {
        what: [getattr(rooms, f"{name}Recognizer")(supported_language="en") for name in names.split() if hasattr(rooms, f"{name}Recognizer")]
        for what, names in _KINDS.items()
    }  # fmt: skip


@cache
def _context(recogniser: Any) -> re.Pattern[str]:
    """Give a pattern of the words that say what a number is; presidio's own enhancer never finds those of several words."""
    words = "|".join(map(re.escape, recogniser.context or ["$^"]))
    return re.compile(rf"(?<!\w)({words})(?!\w)", re.IGNORECASE)


def _is_somebody(name: str, is_name: Callable[[str], bool]) -> bool:
    """Whether a name that a model has found is that of a person: of two words at least, one of which is known."""
    words = _WORD.findall(name)
    return len(words) > 1 and not FIRM.search(name) and any(is_name(fold(word)) for word in words)


def _with_people(texts: Sequence[str], model: Any) -> Iterator[tuple[str, list[str]]]:
    if model is None:
        yield from ((text, []) for text in texts)
        return
    for document in model.pipe(texts):
        yield document.text, [entity.text for entity in document.ents if entity.label_ in _PEOPLE]


def _model_for(texts: Sequence[str]) -> Any:
    """Give the installed model of the language of the texts, the one of whose stop words they have most; or none."""
    words = Counter(word.lower() for text in texts[:100] for word in _WORD.findall(text))
    best, most = None, _LANGUAGE * max(1, words.total())
    for model in _models():
        count = sum(words[word] for word in model.Defaults.stop_words)
        if count > most:
            best, most = model, count
    return best


@cache
def _models() -> list[Any]:
    """Load the models of spaCy that are installed; one that can't be loaded here is left out."""
    models = []
    for name in sorted({entry.name for entry in entry_points(group="spacy_models")}):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = importlib.import_module("spacy").load(name, exclude=list(_UNNEEDED))
        except Exception:  # made for another version, or of parts that aren't installed: as if it weren't there
            _log.debug("the model %s of spaCy could not be loaded", name, exc_info=True)
            continue
        if "ner" in model.pipe_names or "entity_ruler" in model.pipe_names:
            models.append(model)
    return models


def told(columns: Mapping[str, Read]) -> str:
    """Say what free text was read by, for the card."""
    if not is_installed():
        return f"{_named(columns)}: read for e-mail addresses, phone numbers and accounts; for cards, ids and names, too: {INSTALL}"
    by = f"presidio {version('presidio-analyzer')}"
    models = ", ".join(dict.fromkeys(read.model for read in columns.values() if read.model))
    nameless = [label for label, read in columns.items() if not read.model]
    names = f"names of people by {models}" if models else ""
    if nameless:
        names += f"{'; ' * bool(models)}no names of people{f' in {_named(nameless)}' if models else ''}, for want of a model of spaCy for the language"  # fmt: skip
    rows = ", ".join(f"{label} ({read.rows:,} rows)" for label, read in list(columns.items())[:_TOLD])
    return f"{rows}{_more(columns)}: read by {by}; {names}"


def _named(labels: Collection[str]) -> str:
    return ", ".join(list(labels)[:_TOLD]) + _more(labels)


def _more(labels: Collection[str]) -> str:
    return f" and {len(labels) - _TOLD} more" if len(labels) > _TOLD else ""
