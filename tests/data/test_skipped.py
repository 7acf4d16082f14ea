"""What a job left out stands in its result by its place in the list, whoever found it unusable."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from vlmscope.data.questions import QuestionFile
from vlmscope.data.skipped import SkippedSample, skipped_samples


def test_a_place_is_a_line_or_an_id() -> None:
    row, sample = SkippedSample("line 7", "It is bad."), SkippedSample("sample 6", "It is bad.")
    assert row.to_dict() == {"line": 7, "reason": "It is bad."}
    assert sample.to_dict() == {"id": "sample 6", "reason": "It is bad."}
    assert SkippedSample("3f2a line 7", "").line is None
    assert str(row) == "line 7: It is bad."


def test_rows_of_a_file_and_what_the_job_could_not_use_come_in_order(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    good = json.dumps({"image": "a.png", "question": "what?"})
    path = tmp_path / "q.jsonl"
    path.write_text(f"{good}\n{{\n\n{good}\n", encoding="utf-8")
    job = [("line 11", "x"), ("line 3", "y")]
    found = skipped_samples(QuestionFile(path), job)
    assert [each.place for each in found] == ["line 2", "line 3", "line 4", "line 11"]
    assert "not JSON" in found[0].reason


def test_what_has_no_number_keeps_its_order() -> None:
    found = skipped_samples([], [("b", "x"), ("a", "y"), ("sample 1", "z")])
    assert [each.place for each in found] == ["b", "a", "sample 1"]
