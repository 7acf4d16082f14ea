"""The page of an evaluation: whole, alone, and with the pictures that the rule names."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from views import captions_of, page_view, pictures_of, words_of
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.evaluation import choose, evaluate, write_report
from vlmscope.evaluation.page import pictures
from vlmscope.evaluation.scores import Evaluation
from vlmscope.viz.pens import ORANGE

METHODS = ["localization-heads", "mean-attention"]


def measured(folder: Path, like: str, methods: list[str], split: str | None = None) -> Evaluation:
    """Some methods on a rendered set of a few images."""
    make_tiny(like, folder / like, 4)
    data = open_dataset(like, folder / like, split=split)
    model = vs.load("tiny-llava", device="cpu")
    return evaluate(data, model, choose(methods), progress=False)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return measured(tmp_path_factory.mktemp("page"), "refcoco-m", METHODS)


@pytest.fixture(scope="module")
def page(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> str:
    *_, path = write_report(evaluation, tmp_path_factory.mktemp("report"))
    assert path.name == "report.html"
    return path.read_text("utf-8")


def test_nothing_is_fetched(page: str) -> None:
    tags: list[str] = []

    class Checked(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            for name, _ in attrs:
                assert name not in ("src", "href", "srcset", "onclick"), (tag, name)
            tags.append(tag)

    Checked().feed(page)
    assert not {"link", "iframe", "object", "img"} & set(tags)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style and "@import" not in style
    assert "width=device-width" in page


def test_the_pictures_are_those_of_the_rule(page: str, evaluation: Evaluation) -> None:
    assert evaluation.sentences is not None
    rows = [row for run in evaluation.sentences.examples for row in run.rows]
    view = page_view(page)
    found = pictures_of(view)
    assert len(found) == len(rows) == 2 * (4 + 4 + 12)
    assert {max(picture.size) for picture in found} <= set(range(100, 301))
    assert len(page) < 3_000_000
    assert [title for title, _ in captions_of(view)] == [f"“{row['text']}”" for row in rows]
    assert [said.split(",")[0] for _, said in captions_of(view)] == [
        "no box" if row["box"] is None else f"IoU {row['iou']:.2f}" for row in rows
    ]


def test_both_runs_show_the_same_unchosen(evaluation: Evaluation) -> None:
    assert evaluation.sentences is not None
    first, second = (run.unchosen for run in evaluation.sentences.examples)
    assert [row["id"] for row in first] == [row["id"] for row in second]


def test_everything_stands_on_the_page(page: str, evaluation: Evaluation) -> None:
    text = words_of(page)
    for run in evaluation.runs:
        for score in run.scores:
            assert str(score) in text
    definitions = evaluation.protocol["tasks"].values()
    assert all(definition in text for definition in definitions)
    for words in (
        "A rendered set",
        "<image>\\n{expression}",
        "last_text",
        "L2H0, L2H3, L2H4: discovered on",
        "0 of 4",
        "Acc@0.5 by object size",
        "RES mIoU by kind of phrase",
        "Failures in common",
        "localization-heads and mean-attention",
        "Missed by every run",
        evaluation.protocol["dataset"]["digest"],
    ):
        assert words in text, words


def test_each_image_is_opened_once(evaluation: Evaluation, tmp_path: Path) -> None:
    report = evaluation.sentences
    assert report is not None and report.again is not None
    opened: list[str] = []
    inner = report.again

    def counted(image: str, labels: Any) -> Any:
        opened.append(image)
        return inner(image, labels)

    write_report(replace(evaluation, sentences=replace(report, again=counted)), tmp_path)
    wanted = {row["image"] for run in report.examples for row in run.rows}
    assert sorted(opened) == sorted(wanted)


def test_json_holds_what_the_page_shows(evaluation: Evaluation, tmp_path: Path) -> None:
    data, text, _ = write_report(evaluation, tmp_path)
    record = json.loads(data.read_text("utf-8"))
    assert set(record["breakdowns"]) == set(METHODS)
    sizes = record["breakdowns"]["mean-attention"]["object size"]
    counts = [part["Acc@0.5"]["n"] for part in sizes["parts"].values()]
    [accuracy] = [r["scores"]["Acc@0.5"] for r in record["runs"] if r["label"] == "mean-attention"]
    assert sum(counts) == accuracy["n"]
    hits = sum(
        part["Acc@0.5"]["value"] * part["Acc@0.5"]["n"]
        for part in sizes["parts"].values()
        if part["Acc@0.5"]["n"]
    )
    assert hits / accuracy["n"] == pytest.approx(accuracy["value"])
    assert record["failures"]["pairs"][0]["runs"] == METHODS
    assert len(record["examples"]["runs"]["mean-attention"]["unchosen"]) == 12
    assert "SHA-256" in record["examples"]["rule"]
    lines = text.read_text("utf-8").splitlines()
    assert {"## Acc@0.5 by phrase length", "## Failures in common"} <= set(lines)
    assert "published" not in record


def test_published_figures_have_a_table_of_their_own(tmp_path: Path) -> None:
    found = measured(tmp_path, "refcoco", ["mean-attention"], split="testA")
    data, text, path = write_report(found, tmp_path / "out")
    record = json.loads(data.read_text("utf-8"))
    [kang] = [
        each
        for each in record["published"]
        if each["metric"] == "Acc@0.5"
        and "LLaVA-1.5-7B" in each["method"]
        and "heads" in each["method"]
    ]
    assert kang["value"] == pytest.approx(0.898) and "2503.06287" in kang["source"]
    assert "published" not in json.dumps(record["runs"])
    for content in (text.read_text("utf-8"), words_of(path)):
        before, after = content.split("Published figures for refcoco testA")
        assert "89.8" not in before and "89.8" in after
        assert "rendered: these figures are of the real one" in after
    single = record["failures"]
    assert single is None and "Failures in common" not in words_of(path)


def test_what_is_absent_is_shown_without_a_truth(tmp_path: Path) -> None:
    found = measured(tmp_path, "grefcoco", ["mean-attention"])
    *_, path = write_report(found, tmp_path / "out")
    assert found.sentences is not None
    [run] = found.sentences.examples
    absent = [row for row in run.unchosen if row["absent"]]
    assert absent and not any(row["absent"] for row in (*run.best, *run.worst))
    assert words_of(path).count("nothing of the kind is there") == len(absent)


def test_without_the_images_sentences_stand_in_their_place(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    assert evaluation.sentences is not None
    alone = replace(evaluation, sentences=replace(evaluation.sentences, again=None))
    *_, path = write_report(alone, tmp_path)
    text = words_of(path)
    assert not pictures_of(page_view(path)) and "There are no pictures" in text
    assert evaluation.sentences.examples[0].best[0]["text"] in text


def test_more_runs_make_smaller_pictures_not_a_larger_page(
    evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluation.sentences is not None
    monkeypatch.setattr(pictures, "_ALL_BYTES", 80_000)
    photos = pictures.example_photos(evaluation.sentences)
    assert sum(len(photo.data) for photo in photos.values()) <= 80_000
    assert all(min(photo.size) > 20 for photo in photos.values())


def test_a_picture_shows_what_is_meant_and_what_was_found(evaluation: Evaluation) -> None:
    report = evaluation.sentences
    assert report is not None and report.again is not None
    row = report.examples[0].best[0]
    sample, places = report.again(row["image"], ["localization-heads"])
    [(label, found)] = places
    assert label == "localization-heads"
    index = [referent.id for referent in sample.referents].index(row["id"])
    assert list(found[index].box or ()) == pytest.approx(row["box"])
    drawn = np.asarray(pictures._drawn(sample, sample.referents[index], row, found[index].mask))
    plain = np.asarray(
        pictures._drawn(sample, sample.referents[index], {**row, "box": None, "point": None}, None)
    )
    factor = drawn.shape[1] / sample.image.size[1]
    x, y = (round(value * factor) for value in row["box"][:2])
    assert tuple(drawn[y, x + 3]) == (255, 255, 255)
    near = np.abs(plain.astype(int) - ORANGE).sum(axis=-1) < 40
    mask = sample.referents[index].target.mask
    assert mask is not None
    large = np.asarray(Image.fromarray(mask).resize(drawn.shape[1::-1]))
    rows, columns = np.nonzero(near)
    inside = np.nonzero(large)
    assert abs(rows.min() - inside[0].min()) <= 4 and abs(columns.max() - inside[1].max()) <= 4
