"""The page of an audit: what is drawn, what it holds, and that no text of a label gets out of its place."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from label_folders import failure, row, run_lengths, thing, write_folder, write_pictures
from views import blocks_of, page_view
from vlmscope.errors import BadOptionError, OutputError
from vlmscope.export.formats import LabelledObject
from vlmscope.labels.audit import Decisions, audit_labels
from vlmscope.labels.audit.pictures import object_photo, window
from vlmscope.viz.pens import ORANGE

pytest.importorskip("pyarrow")

EVIL = '</script><script>alert(1)</script> & "<b>"'


def _page(path: Path) -> dict[str, Any]:
    (block,) = blocks_of(page_view(path), "decisions")
    return block


def _labels(tmp_path: Path, count: int = 30) -> Any:
    names = [f"sub/{number}.png" for number in range(count)]
    write_pictures(tmp_path / "pictures", *names)
    rows = [
        thing(name, ("cat", "dog")[at % 2], at / count, warnings=["Look twice."] if at % 3 else [])
        for at, name in enumerate(names)
    ]
    rows += [row("nothing.png", "cat"), failure("broken.png")]
    source = {"kind": "folder", "place": str(tmp_path / "pictures")}
    return write_folder(tmp_path / "labels", rows, fingerprint="f1", kept={"source": source})


def test_a_page_holds_a_sample_with_what_each_object_stands_for(tmp_path: Path) -> None:
    labels = _labels(tmp_path)
    page = audit_labels(labels, tmp_path / "page.html", count=20, seed=3)
    held = _page(page.path)
    assert (len(held["items"]), page.missing, page.sample.population) == (20, (), 30)
    assert held["file"]["format"] == "vlmscope-decisions/1"
    assert held["file"]["fingerprint"] == "f1"
    assert sum(each["weight"] for each in held["items"]) == pytest.approx(30)
    strata = held["file"]["strata"]
    assert sum(each["objects"] for each in strata) == 30
    for each in held["items"]:
        stratum = strata[each["stratum"]]
        assert stratum["low"] <= each["score"] <= stratum["high"]
        assert stratum["warned"] == bool(each["warnings"])
    with Image.open(io.BytesIO(held["items"][0]["picture"].data)) as picture:
        assert picture.size == (held["items"][0]["width"], held["items"][0]["height"])


def test_what_the_page_downloads_is_read_again(tmp_path: Path) -> None:
    audit_labels(_labels(tmp_path), tmp_path / "page.html", count=10)
    held = _page(tmp_path / "page.html")
    made = [{**each, "picture": None, "decision": "accept"} for each in held["items"]]
    decisions = Decisions.from_dict({**held["file"], "decisions": made})
    assert (decisions.drawn, decisions.population, len(decisions.each)) == (10, 30, 10)


def test_the_same_seed_makes_the_same_page(tmp_path: Path) -> None:
    labels = _labels(tmp_path)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        audit_labels(labels, tmp_path / name, count=8, seed=seed)
    texts = [(tmp_path / name).read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_no_text_gets_out_of_its_place(tmp_path: Path) -> None:
    name = "a<i>b</i>&.png"
    rows = [thing(name, EVIL, warnings=[EVIL])]
    labels = write_folder(tmp_path / "<u>labels", rows)
    data = io.BytesIO()
    Image.new("RGB", (100, 80)).save(data, "PNG")
    audit_labels(labels, tmp_path / "page.html", source=lambda name: data.getvalue())
    text = (tmp_path / "page.html").read_text("utf-8")
    assert not any(each in text for each in ("alert(1)</script>", "<i>b", "<u>", "<b>"))
    (held,) = _page(tmp_path / "page.html")["items"]
    assert (held["phrase"], held["id"]) == (EVIL, name)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)


def test_a_picture_that_is_gone_leaves_its_object_on_the_page(tmp_path: Path) -> None:
    labels = _labels(tmp_path, 3)
    (tmp_path / "pictures/sub/1.png").write_bytes(b"no picture")
    page = audit_labels(labels, tmp_path / "page.html")
    ((name, reason),) = page.missing
    assert name == "sub/1.png" and "not an image" in reason
    (without,) = [each for each in _page(page.path)["items"] if each["picture"] is None]
    assert without["missing"].startswith("No picture: sub/1.png is not an image")


def test_objects_below_the_least_score_are_not_drawn(tmp_path: Path) -> None:
    page = audit_labels(_labels(tmp_path), tmp_path / "page.html", least_score=0.5)
    assert len(page.sample.objects) == page.sample.population == 15
    assert _page(page.path)["file"]["least_score"] == 0.5


def test_nothing_to_look_at_is_said(tmp_path: Path) -> None:
    labels = write_folder(tmp_path / "labels", [row("a"), failure("b")])
    with pytest.raises(OutputError, match="holds no object, so there is nothing to look at"):
        audit_labels(labels, tmp_path / "page.html")
    with pytest.raises(BadOptionError, match="count takes a whole number"):
        audit_labels(labels, tmp_path / "page.html", count=0)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("box", "seen"),
    [
        # half of the shorter side at least, and all of the box with as much around it
        ((50.0, 50.0, 52.0, 52.0), (26, 26, 76, 76)),
        ((0.0, 0.0, 2.0, 2.0), (0, 0, 50, 50)),
        ((20.0, 10.0, 180.0, 90.0), (0, 0, 200, 100)),
        ((-9.0, 90.0, 900.0, 130.0), (0, 0, 200, 100)),
    ],
)
def test_what_is_seen_around_a_box(
    box: tuple[float, float, float, float], seen: tuple[int, int, int, int]
) -> None:
    assert window(box, (100, 200)) == seen


def test_the_box_is_drawn_where_it_is() -> None:
    mask = np.zeros((100, 200), dtype=bool)
    mask[40:60, 90:110] = True
    found = LabelledObject("cat", 0, (90.0, 40.0, 110.0, 60.0), mask=run_lengths(mask))
    data, size = object_photo(np.zeros((100, 200, 3), np.uint8), found, 10**6)
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert size == (pixels.shape[1], pixels.shape[0])
    rows, columns = np.nonzero(abs(pixels - ORANGE).max(-1) < 90)
    scale = size[0] / 50  # fifty pixels are seen, from (75, 25)
    assert (columns.min() / scale + 75, rows.min() / scale + 25) == pytest.approx((90, 40), abs=0.5)
    assert (columns.max() / scale + 75, rows.max() / scale + 25) == pytest.approx(
        (110, 60), abs=0.5
    )
    small, _ = object_photo(np.zeros((100, 200, 3), np.uint8), found, 1)
    assert len(small) < len(data)
