"""Results as JUnit XML: a suite for each notebook, a case for each cell. Jenkins, GitHub and GitLab read it.

The format is that of Jenkins' xunit plugin (``junit-10.xsd``), with the attributes that GitLab shows: ``file`` too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET  # it only writes here

from .book import plain
from .outcome import CellRecord
from .results import Batch, Executed

_MOST = 50_000  # characters of a traceback


def write(batch: Batch) -> str:
    """Write the results of notebooks as JUnit XML."""
    root = ET.Element("testsuites", name="jupyter mlops run", time=f"{batch.seconds:.3f}")
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for book in batch.notebooks:
        suite = _suite(book)
        root.append(suite)
        for name in counts:
            counts[name] += int(suite.get(name, 0))
    for name, count in counts.items():
        root.set(name, str(count))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(book: Executed) -> ET.Element:
    suite = ET.Element("testsuite", name=plain(book.notebook), time=f"{book.seconds:.3f}", file=plain(book.notebook))
    if book.started:
        suite.set("timestamp", datetime.fromtimestamp(book.started, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    if book.params:
        properties = ET.SubElement(suite, "properties")
        for name, value in book.params.items():
            ET.SubElement(properties, "property", name=plain(name), value=plain(str(value)))
    cases = [_case(book, cell) for cell in book.cells]
    if not book.ok and not any(case.find(kind) is not None for case in cases for kind in ("failure", "error")):
        # What no cell has done: no kernel, or a notebook that was not begun.
        case = ET.Element("testcase", name="the notebook as a whole", classname=plain(book.notebook), time="0")
        ET.SubElement(case, "error", message=plain(book.message)[:500], type=book.verdict.word).text = plain(
            book.message
        )
        cases.insert(0, case)
    suite.extend(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    return suite


def _case(book: Executed, cell: CellRecord) -> ET.Element:
    title = plain(f"cell {cell.number}: {cell.title}")
    case = ET.Element(
        "testcase", name=title, classname=plain(book.notebook), time=f"{cell.seconds:.3f}", file=plain(book.notebook)
    )
    if cell.status == "failed":
        last = cell.failures[-1]
        element = ET.SubElement(case, "failure", message=plain(last.line), type=plain(last.kind))
        element.text = plain("\n".join(filter(None, (last.traceback or str(last), cell.note))))[:_MOST]
    elif cell.status == "stopped":
        ET.SubElement(case, "error", message=plain(book.message)[:500], type=book.verdict.word).text = plain(cell.note)
    elif cell.status in ("skipped", "not run"):
        ET.SubElement(case, "skipped", message=plain(cell.note or f"it was not run: {book.message}")[:500])
    for failure in cell.failures if cell.flaky else ():  # as Surefire has it, and Jenkins' flaky plugins read it
        ET.SubElement(case, "flakyFailure", message=plain(failure.line), type=plain(failure.kind))
    return case
