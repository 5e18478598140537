"""Files that are written whole, and logs that stay within bounds."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlops.disk import shorten


def test_of_a_log_that_has_grown_its_end_stays_and_who_appends_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "endpoint.log"
    assert not shorten(log)
    with log.open("ab", buffering=0) as writer:  # as a process has it that was started with it
        for number in range(30_000):
            writer.write(f"line {number:06d} {'x' * 40}\n".encode())
        assert not shorten(log)
        assert shorten(log, most=1_000_000)
        assert log.stat().st_size <= 1_000_100
        writer.write(b"and on\n")
    first, *lines = log.read_text().splitlines()
    assert "left out" in first
    assert lines[-1] == "and on"
    numbers = [int(line.split()[1]) for line in lines[:-1]]
    assert numbers == list(range(numbers[0], 30_000)), "whole lines, and the last ones"
