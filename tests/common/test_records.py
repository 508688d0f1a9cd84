"""What a record says is checked as it is read, and a mistake is one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_sets import refused

from pipeline.common.records import Record, read_record


class Inner(Record):
    count: int


class Outer(Record):
    name: str
    parts: dict[str, Inner] = {}


def test_a_record_is_read_and_what_it_does_not_know_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"name": "one", "parts": {"a": {"count": 3, "note": ""}}, "other": [1]}')
    assert read_record(Outer, path) == Outer(name="one", parts={"a": Inner(count=3)})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"parts": {}}', "name: Field required"),
        ('{"name": 1}', "name: Input should be a valid string"),
        ('{"name": "one", "parts": {"a": {"count": "3"}}}', "parts.a.count: Input should be a valid integer"),
        ("[]", "Input should be "),
        ('{"name": ', "not valid JSON"),
        ("\xff", "not valid JSON"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_remedy(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(content, encoding="latin-1")
    for remedy in ((), ("write it anew",)):
        message = refused(read_record, Outer, path, *remedy)
        assert message.startswith(f"{path}: {says}")
        assert message.endswith("; write it anew" if remedy else "; delete it and run `dvc repro`")


def test_a_missing_record_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert refused(read_record, Outer, path) == f"{path}: missing; run `dvc repro` to make it"
    assert refused(read_record, Outer, path, "write it anew") == f"{path}: missing; write it anew"


@pytest.mark.parametrize(
    "content",
    ["[" * 100_000, "9" * 400, "1e999", "NaN", '{"count": Infinity}', "9" * 5_000, '{"a":' * 100_000],
)
def test_what_no_json_of_ours_can_be_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(content)
    message = refused(read_record, Inner, path)
    assert message.startswith(f"{path}: not valid JSON (")
    assert len(message) <= 500


def test_a_folder_is_no_record(tmp_path: Path) -> None:
    assert "is a folder" in refused(read_record, Inner, tmp_path)
