"""The report: published, measured and interval side by side, a verdict per claim, the protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from claims_by_hand import claim, measurement
from views import blocks_of, page_view, words_of
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.findings import Finding
from vlmscope.reproduce.measurements import Measurement
from vlmscope.reproduce.report import REPORTS, write_report
from vlmscope.reproduce.reproductions import Plot, Reproduction, Table
from vlmscope.reproduce.verdicts import RULE
from vlmscope.stats import Interval


def reproduction() -> Reproduction:
    missing = Measurement(None, "model", "refcoco val", missing="refcoco is not there")
    return Reproduction(
        "Somebody: A paper, 2025",
        (
            Finding(claim(0.865), measurement(0.8, 0.9)),
            Finding(claim(0.5, id="two", sentence="a | b"), measurement(0.3, 0.4)),
            Finding(claim(0.7, id="three"), missing),
        ),
        (Table("k", "How many heads", ("k", "Acc@0.5"), [(1, 0.5), (3, None)]),),
        (("discovering", Cost(10, 5, 5, 80)),),
        {"prompt": "you look at <pictures>"},
        ("refcoco val: image 7: There is no image file.",),
        ("3 of 5 images are in both.",),
    )


def test_every_report_states_everything(tmp_path: Path) -> None:
    paths = write_report(reproduction(), tmp_path / "new")
    assert [path.name for path in paths] == list(REPORTS)
    data, text, html = (path.read_text("utf-8") for path in paths)
    for content in (text, html):
        for stated in (
            *("86.5%", "85.0%", "80.0% to 90.0%", "40 sentences", "confirmed", "refuted"),
            *("refcoco is not there", "Somebody 2025, Table 1", "How many heads", "3 of 5 images"),
            *("1 confirmed, 1 refuted, 1 undecided", "image 7", "discovering"),
        ):
            assert stated in content, stated
    assert "you look at <pictures>" in text
    assert "you look at <pictures>" in words_of(html)
    assert "a \\| b" in text
    assert RULE in text
    record = json.loads(data)
    first, second, third = record["findings"]
    assert first["claim"]["published"] == 0.865
    assert (first["measured"]["low"], first["measured"]["high"]) == (0.8, 0.9)
    assert [each["verdict"] for each in (first, second, third)] == list(record["verdicts"])
    assert third["measured"]["value"] is None
    assert record["tables"]["k"]["rows"] == [
        {"k": 1, "Acc@0.5": 0.5},
        {"k": 3, "Acc@0.5": None},
    ]
    assert record["skipped"] == ["refcoco val: image 7: There is no image file."]


def test_a_second_report_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_report(reproduction(), tmp_path)
    write_report(reproduction(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REPORTS)


def with_curves() -> Reproduction:
    values = [Interval(0.5, 0.4, 0.6), Interval(0.7, 0.6, 0.8)]
    one = Plot("t", "Hot & cold", {"a": values}, [0.1, 10], "degrees", "mIoU", "beneath", "log")
    return replace(reproduction(), plots=(one, replace(one, title="Twice")))


def test_curves_stand_between_claims_and_tables(tmp_path: Path) -> None:
    view = page_view(write_report(with_curves(), tmp_path)[2])
    titles = [each["text"] for each in blocks_of(view, "heading")]
    places = [titles.index(each) for each in ("Claims", "Hot & cold", "Twice", "How many heads")]
    assert places == sorted(places)
    one, other = blocks_of(view, "curves")
    assert (one["caption"], one["x_label"], one["x_scale"]) == ("beneath", "degrees", "log")
    assert one["series"][0]["values"] == [[0.5, 0.4, 0.6], [0.7, 0.6, 0.8]] and other == one
