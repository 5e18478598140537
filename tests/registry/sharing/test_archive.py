"""The archive takes what it wrote, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound, NotWritable, ValidationFailed
from jupyter_mlops.registry.sharing import archive
from jupyter_mlops.registry.sharing.archive import MANIFEST, Entry, Exported, Manifest
from jupyter_mlops.registry.sharing.zips import NO_SEAL, Limits, seal

CONTENT = {"model/MLmodel": b"flavors: {}\n", "run.json": b"{}", "snapshot/Ü b.txt": "ä\n".encode()}


def about(files: dict[str, Entry]) -> Manifest:
    exported = Exported("ann", datetime(2026, 11, 24, tzinfo=UTC), "tumours", "http://here:5000")
    return Manifest(archive.FORMAT, "0.1.0", "tumour", 2, exported, files)


def lay_out(folder: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """An empty folder to unpack into."""
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A small archive."""
    archive.write(tmp_path / "good.zip", lay_out(tmp_path / "from", CONTENT), about)
    return tmp_path / "good.zip"


def manifest_of(content: dict[str, bytes], **changes: Any) -> dict[str, Any]:
    files = {name: Entry(hashlib.sha256(data).hexdigest(), len(data)) for name, data in content.items()}
    said = json.loads(json.dumps(dataclasses.asdict(about(files)), default=str))
    return {key: value for key, value in (said | changes).items() if value is not None}


def forge(
    path: Path,
    content: dict[str, bytes],
    *,
    manifest: Any = None,
    edit: Callable[[zipfile.ZipInfo], object] = lambda info: None,
    **changes: Any,
) -> Path:
    """Write a ZIP as somebody would who means harm: with a manifest that fits, as far as ``changes`` let it."""
    text = manifest if manifest is not None else json.dumps(manifest_of(content, **changes)).encode()
    with zipfile.ZipFile(path, "w") as made:
        for name, data in {MANIFEST: text, **content}.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if name != MANIFEST:
                edit(info)
            made.writestr(info, data)
        made.comment = NO_SEAL
    seal(path)
    return path


def test_what_was_written_is_taken(tmp_path: Path, into: Path) -> None:
    digest = archive.write(tmp_path / "a.zip", lay_out(tmp_path / "from", CONTENT), about, sign=lambda text: b"by me")
    found = archive.unpack(tmp_path / "a.zip", into)
    assert read(into) == CONTENT
    assert (found.digest, found.signature) == (digest, b"by me")
    assert hashlib.sha256(found.text).hexdigest() == digest
    assert found.manifest.exported.by == "ann"
    assert zipfile.ZipFile(tmp_path / "a.zip").namelist()[0] == MANIFEST


def test_the_forger_of_these_tests_can_write_a_good_one(tmp_path: Path, into: Path) -> None:
    archive.unpack(forge(tmp_path / "a.zip", CONTENT), into)
    assert read(into) == CONTENT


def test_what_packs_like_a_bomb_is_stored_and_taken(tmp_path: Path, into: Path) -> None:
    zeros = {"model/zeros": bytes(3_000_000)}
    archive.write(tmp_path / "a.zip", lay_out(tmp_path / "from", zeros), about)
    archive.unpack(tmp_path / "a.zip", into)
    assert read(into) == zeros


def test_nothing_is_overwritten_and_nothing_half_is_left(tmp_path: Path, good: Path) -> None:
    before = good.read_bytes()
    with pytest.raises(Conflict, match="is there already") as refused:
        archive.write(good, tmp_path / "from", about)
    assert "--to" in str(refused.value.hint)
    assert good.read_bytes() == before

    def interrupted(files: object) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.write(tmp_path / "b.zip", tmp_path / "from", interrupted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["from", "good.zip"]


def test_an_interrupt_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive, "_add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        archive.write(tmp_path / "a.zip", lay_out(tmp_path / "from", CONTENT), about)
    assert [path.name for path in tmp_path.iterdir()] == ["from"]


def test_a_folder_that_is_not_there_takes_no_archive(tmp_path: Path) -> None:
    with pytest.raises(NotWritable):
        archive.write(tmp_path / "gone" / "a.zip", lay_out(tmp_path / "from", CONTENT), about)


def test_what_no_import_would_take_is_not_written(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "from", CONTENT)
    with pytest.raises(InvalidUsage, match="more than 4 files"):
        archive.write(tmp_path / "a.zip", folder, about, limits=Limits(entries=4))
    with pytest.raises(InvalidUsage, match="10 are the most"):
        archive.write(tmp_path / "a.zip", folder, about, limits=Limits(unpacked=10))
    with pytest.raises(InvalidUsage, match="no name that every system has"):
        archive.write(tmp_path / "a.zip", lay_out(tmp_path / "odd", {"a:b": b""}), about)
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../up", "model/../../up", "model/..", "..", ".", "a//b", "a/", "", "./a", "a\\b", "..\\up",
        "C:/windows", "C:up", "a\x00b", "a\nb", "a\x7f", "a.", "a ", "a*", "x" * 201, "/".join("abcdefgh" * 100),
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidUsage, match="leads elsewhere"):
        archive.unpack(raw(tmp_path / "a.zip", name), into)
    assert read(tmp_path) == {"a.zip": (tmp_path / "a.zip").read_bytes()}


def raw(path: Path, name: str) -> Path:
    """Forge an archive with a name that zipfile itself would mend."""
    data = b"harm"
    forge(path, {"Q" * len(name.encode()): data})
    stand_in = b"Q" * len(name.encode())
    path.write_bytes(path.read_bytes().replace(stand_in, name.encode()) if name else path.read_bytes())
    seal(path)
    return path


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a", "a"], "twice, or under names that differ only in case"),
        (["model/a", "Model/A"], "twice, or under names that differ only in case"),
        (["é", "e\u0301"], "twice, or under names that differ only in case"),
        (["STRASSE", "straße"], "twice, or under names that differ only in case"),
        (["a", "a/b"], "is within a file"),
        (["A/b", "a"], "is within a file"),
    ],
)
def test_names_that_are_one_file_somewhere_are_refused(names: list[str], says: str, tmp_path: Path, into: Path) -> None:
    path = tmp_path / "a.zip"
    text = json.dumps(manifest_of(dict.fromkeys(names, b""))).encode()
    with zipfile.ZipFile(path, "w") as made, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # zipfile warns of the same name twice
        for name in [MANIFEST, *names]:
            made.writestr(name, text if name == MANIFEST else b"")
        made.comment = NO_SEAL
    seal(path)
    with pytest.raises(InvalidUsage, match=says):
        archive.unpack(path, into)
    assert read(into) == {}


def test_links_and_other_kinds_of_files_are_refused(tmp_path: Path, into: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR):
        path = forge(tmp_path / "a.zip", {"model/x": b"/etc/passwd"}, edit=attributes(kind | 0o777))
        with pytest.raises(InvalidUsage, match="is a link"):
            archive.unpack(path, into)
    assert read(into) == {}


def attributes(mode: int) -> Callable[[zipfile.ZipInfo], None]:
    return lambda info: setattr(info, "external_attr", mode << 16)


def test_encrypted_entries_are_refused(good: Path, into: Path) -> None:
    for flag in (0x1, 0x40, 0x2000):
        with pytest.raises(InvalidUsage, match="is encrypted"):
            archive.unpack(patched(good, 8, lambda flags, flag=flag: flags | flag), into)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method: int, tmp_path: Path, into: Path) -> None:
    path = forge(tmp_path / "a.zip", CONTENT, edit=lambda info: setattr(info, "compress_type", method))
    with pytest.raises(InvalidUsage, match="packed in another way"):
        archive.unpack(path, into)


def test_names_that_are_not_utf8_are_refused(tmp_path: Path, into: Path) -> None:
    path = forge(tmp_path / "a.zip", {"model/ä": b""})
    path.write_bytes(path.read_bytes().replace("ä".encode(), b"\xff\xfe"))
    seal(path)
    with pytest.raises(InvalidUsage, match="not UTF-8"):
        archive.unpack(path, into)
    path = forge(tmp_path / "b.zip", {"model/xx": b""})
    path.write_bytes(path.read_bytes().replace(b"model/xx", b"model/\xc3\xa4"))  # and no flag that it is
    seal(path)
    with pytest.raises(InvalidUsage, match="not UTF-8"):
        archive.unpack(path, into)


def patched(path: Path, at: int, change: Callable[[int], int], width: str = "<H", *, last: bool = True) -> Path:
    """Change a field of the last entry of a ZIP's directory."""
    data = bytearray(path.read_bytes())
    start = data.rfind(b"PK\1\2") if last else data.find(b"PK\1\2")
    (before,) = struct.unpack_from(width, data, start + at)
    struct.pack_into(width, data, start + at, change(before))
    other = path.with_name("patched.zip")
    other.write_bytes(data)
    seal(other)
    return other


def test_bombs_are_refused_before_they_unpack(tmp_path: Path, into: Path) -> None:
    zeros = forge(tmp_path / "a.zip", {"model/zeros": bytes(5_000_000)})
    with pytest.raises(InvalidUsage, match="as a bomb does"):
        archive.unpack(zeros, into)
    many = forge(tmp_path / "b.zip", {f"model/{n}": bytes(900_000) for n in range(6)})
    with pytest.raises(InvalidUsage, match="5,000,000 are the most"):
        archive.unpack(many, into, Limits(unpacked=5_000_000))
    with pytest.raises(InvalidUsage, match="more than 6 files"):
        archive.unpack(many, into, Limits(entries=6))
    assert read(into) == {}


def test_a_directory_of_millions_is_not_even_read(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9_000, 9_000, 50_000_000, 0, len(NO_SEAL)) + NO_SEAL
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with path.open("ab") as file:
        file.write(end)
    monkeypatch.delattr(zipfile.ZipFile, "__init__")
    with pytest.raises(InvalidUsage, match="more than 10,000 files"):
        archive.unpack(path, into)


@pytest.mark.parametrize("said", [0, 1, 3, 10, 100_000])
def test_sizes_that_lie_are_refused(said: int, tmp_path: Path, into: Path) -> None:
    path = forge(tmp_path / "a.zip", {"model/x": b"12345"})
    with pytest.raises(ValidationFailed, match="changed"):
        archive.unpack(patched(path, 24, lambda _: said, "<L"), into)
    assert read(into) == {}


def test_no_byte_more_than_announced_is_read_although_the_checksum_fits(tmp_path: Path, into: Path) -> None:
    files = {"model/x": Entry("0" * 64, 4)}
    manifest = json.dumps(dataclasses.asdict(about(files)), default=str).encode()
    path = forge(tmp_path / "a.zip", {"model/x": b"1234567890"}, manifest=manifest)
    path = patched(path, 24, lambda _: 4, "<L")
    path = patched(path, 16, lambda _: zlib.crc32(b"1234"), "<L")
    with pytest.raises(ValidationFailed, match="changed"):
        archive.unpack(path, into)
    assert (into / "model/x").read_bytes() == b"1234"


@pytest.mark.parametrize("keep", [0, 1, 21, 22, 100, 0.5, 0.99])
def test_a_part_of_an_archive_is_refused(keep: float, good: Path, into: Path) -> None:
    data = good.read_bytes()
    good.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(InvalidUsage, match="only a part of one"):
        archive.unpack(good, into)


def test_what_stands_around_an_archive_is_refused(good: Path, into: Path) -> None:
    data = good.read_bytes()
    for other in (b"#!/bin/sh\n" + data, data + data, data[:-2] + b"\x05\x00hello"):
        good.write_bytes(other)
        with pytest.raises(InvalidUsage, match=r"good\.zip is refused"):
            archive.unpack(good, into)


def test_what_is_no_zip_is_refused(tmp_path: Path, into: Path) -> None:
    (tmp_path / "a.zip").write_text("hello " * 100)
    with pytest.raises(InvalidUsage, match="no archive of export"):
        archive.unpack(tmp_path / "a.zip", into)
    with pytest.raises(NotFound, match="no such file"):
        archive.unpack(tmp_path / "gone.zip", into)
    with pytest.raises(NotFound, match="is a directory"):
        archive.unpack(tmp_path, into)


def test_an_entry_that_the_manifest_does_not_name_is_refused(tmp_path: Path, into: Path) -> None:
    text = json.dumps(manifest_of(CONTENT)).encode()
    path = forge(tmp_path / "a.zip", {**CONTENT, "model/extra.pkl": b"harm"}, manifest=text)
    with pytest.raises(InvalidUsage, match=r"'model/extra\.pkl' in it is not in its manifest"):
        archive.unpack(path, into)
    with pytest.raises(InvalidUsage, match=r"'run\.json' of its manifest is missing"):
        archive.unpack(forge(tmp_path / "b.zip", {"model/MLmodel": CONTENT["model/MLmodel"]}, manifest=text), into)
    itself = json.dumps(manifest_of({**CONTENT, MANIFEST: b""})).encode()
    with pytest.raises(InvalidUsage, match="names itself"):
        archive.unpack(forge(tmp_path / "c.zip", CONTENT, manifest=itself), into)
    assert read(into) == {}


def test_a_changed_file_is_refused_although_the_zip_is_whole(tmp_path: Path, into: Path) -> None:
    text = json.dumps(manifest_of(CONTENT)).encode()
    path = forge(tmp_path / "a.zip", {**CONTENT, "run.json": b"[]"}, manifest=text)
    with pytest.raises(ValidationFailed, match=r"run\.json in it was changed"):
        archive.unpack(path, into)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2, "jupyter_mlops": "0.9.1"}, "newer jupyter-mlops, 0.9.1"),
        ({"format": 10**400}, "newer jupyter-mlops"),
        ({"format": 0}, "no version of a model"),
        ({"format": "1"}, "format: "),
        ({"format": True}, "format: "),
        ({"format": 1.5}, "format: "),
        ({"format": None}, "format: Field required"),
        ({"model": None}, "model: Field required"),
        ({"model": 3}, "model: "),
        ({"model": "\x1b[31mred"}, "no version of a model"),
        ({"model": "m" * 251}, "no version of a model"),
        ({"version": 0}, "no version of a model"),
        ({"version": "2"}, "version: "),
        ({"files": []}, "files: "),
        ({"files": {"a": 1}}, "files.a: "),
        ({"files": {"a": {"sha256": "abc", "size": 1}}}, "no SHA-256"),
        ({"files": {"a": {"sha256": "0" * 64, "size": -1}}}, "no SHA-256"),
        ({"files": {"a": {"sha256": "0" * 64, "size": 1.0}}}, "files.a.size: "),
        ({"exported": {}}, "exported.by: Field required"),
        ({"exported": {"by": "a\nb", "at": "2026-01-01T00:00:00Z", "project": "", "server": ""}}, "does not say"),
        ({"exported": {"by": "a", "at": "2026-01-01T00:00:00", "project": "", "server": ""}}, "does not say"),
        ({"exported": {"by": "a", "at": "today", "project": "", "server": ""}}, "exported.at: "),
        ({"exported": {"by": "a" * 501, "at": "2026-01-01T00:00:00Z", "project": "", "server": ""}}, "does not say"),
    ],
)  # fmt: skip
def test_manifests_of_another_form_are_refused(changes: dict[str, Any], says: str, tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidUsage, match=says) as refused:
        archive.unpack(forge(tmp_path / "a.zip", CONTENT, **changes), into)
    assert len(str(refused.value).splitlines()) <= 3
    assert read(into) == {}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"format": 1}', b'{"format": ' + b"9" * 5000]
)
def test_a_manifest_that_is_no_json_is_refused(text: bytes, tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidUsage, match="manifest"):
        archive.unpack(forge(tmp_path / "a.zip", CONTENT, manifest=text), into)


def test_a_newer_format_names_the_release_and_no_command_of_its_own(tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidUsage) as refused:
        archive.unpack(forge(tmp_path / "a.zip", CONTENT, format=2, jupyter_mlops="1.2.0"), into)
    assert refused.value.hint == "%pip install 'jupyter-mlops>=1.2.0'"
    with pytest.raises(InvalidUsage) as refused:
        archive.unpack(forge(tmp_path / "a.zip", CONTENT, format=2, jupyter_mlops="1.2' harm --index 'x"), into)
    assert "harm" not in str(refused.value)


def test_without_a_manifest_there_is_no_archive(tmp_path: Path, into: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("run.json", "{}")
        made.comment = NO_SEAL
    seal(tmp_path / "a.zip")
    with pytest.raises(InvalidUsage, match=r"holds no manifest\.json"):
        archive.unpack(tmp_path / "a.zip", into)


def test_any_changed_byte_is_refused(good: Path, into: Path) -> None:
    data, dice = good.read_bytes(), random.Random(0)
    for at in range(len(data)):
        for mask in (0xFF, 1 << dice.randrange(8)):
            good.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
            with pytest.raises((ValidationFailed, InvalidUsage), match=r"good\.zip is refused"):
                archive.unpack(good, into)
    assert read(into) == {}


def test_a_signature_is_over_the_manifest_and_not_in_it(tmp_path: Path, into: Path) -> None:
    seen: list[bytes] = []
    archive.write(
        tmp_path / "a.zip", lay_out(tmp_path / "from", CONTENT), about, sign=lambda text: seen.append(text) or b"S"
    )
    found = archive.unpack(tmp_path / "a.zip", into)
    assert [found.text] == seen
    assert set(found.manifest.files) == set(CONTENT)
