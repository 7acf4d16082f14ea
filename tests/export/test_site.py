"""Results put together: every page whole, nothing of anybody else's touched."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from views import page_view
from vlmscope.errors import BadOptionError, BadViewError, OutputError
from vlmscope.export.site import SITE, write_site
from vlmscope.viewer import Picture, View
from vlmscope.viewer.blocks import PictureItem, pictures, text

EVIL = "</title><script>alert(1)</script>"


def picture() -> Picture:
    stream = io.BytesIO()
    Image.new("RGB", (900, 300), "red").save(stream, "PNG")
    return Picture(stream.getvalue(), "image/png")


def view(title: str, pictured: bool = True) -> View:
    item = PictureItem(picture(), (900, 300), "red")
    return View(
        title, f"lead of {title}", [text("hello"), *([pictures([item])] if pictured else [])]
    )


def test_a_site_has_an_index_pages_data_and_one_viewer(tmp_path: Path) -> None:
    view("One").write(tmp_path / "one.view")
    view("Two", pictured=False).write(tmp_path / "two.html")
    pages = write_site(
        [tmp_path / "one.view", tmp_path / "two.html"], tmp_path / "site", "All & more"
    )
    assert [page.name for page in pages] == ["one", "two"]
    site = tmp_path / "site"
    names = {"index.html", SITE, "style.css", "viewer.js", "viewer.css", "one.jpg"}
    names |= {f"{name}.{end}" for name in ("one", "two") for end in ("html", "view")}
    assert {each.name for each in site.iterdir()} == names
    assert sorted(names) == json.loads((site / SITE).read_text())["files"]
    index = (site / "index.html").read_text("utf-8")
    assert re.findall(r'href="([^"]*\.html)"', index) == ["one.html", "two.html"]
    assert "All &amp; more" in index and "lead of Two" in index and index.count("<img") == 1
    assert Image.open(site / "one.jpg").size == (480, 160)
    for name, title in (("one", "One"), ("two", "Two")):
        page = (site / f"{name}.html").read_text("utf-8")
        assert page_view(page).title == View.read(site / f"{name}.view").title == title
        assert '<script type="module" src="viewer.js">' in page
        assert "script-src 'self'" in page and "unsafe" not in page


def test_nothing_of_a_text_is_markup(tmp_path: Path) -> None:
    View(EVIL, EVIL, [text(EVIL)]).write(tmp_path / "a.view")
    write_site([tmp_path / "a.view"], tmp_path / "site", EVIL)
    for name in ("index.html", "a.html"):
        assert EVIL not in (tmp_path / "site" / name).read_text("utf-8")


def test_results_of_one_name_get_numbers_and_no_file_of_the_site_is_lost(tmp_path: Path) -> None:
    places = []
    for folder, name in (("a", "x"), ("b", "X"), ("c", "x"), ("d", "index"), ("e", "ñ ?")):
        (tmp_path / folder).mkdir()
        places.append(tmp_path / folder / f"{name}.view")
        view(f"The {folder}").write(places[-1])
    pages = write_site(places, tmp_path / "site")
    assert [page.name for page in pages] == ["x", "X-2", "x-3", "The-d", "result"]
    for page, folder in zip(pages, "abcde", strict=True):
        assert View.read(tmp_path / "site" / f"{page.name}.view").title == f"The {folder}"


def test_a_site_of_its_own_is_replaced_whole(tmp_path: Path) -> None:
    view("One").write(tmp_path / "one.view")
    view("Two").write(tmp_path / "two.view")
    site = tmp_path / "new" / "site"
    write_site([tmp_path / "one.view"], site)
    write_site([tmp_path / "two.view"], site)
    assert (site / "two.html").exists() and not (site / "one.html").exists()
    assert [each.name for each in site.parent.iterdir()] == ["site"]
    (tmp_path / "empty").mkdir()
    write_site([tmp_path / "one.view"], tmp_path / "empty")
    assert (tmp_path / "empty" / "index.html").exists()


def test_what_is_somebody_elses_stays(tmp_path: Path) -> None:
    view("One").write(tmp_path / "one.view")
    other, site, file = tmp_path / "other", tmp_path / "site", tmp_path / "file"
    other.mkdir()
    (other / "thesis.tex").write_text("mine")
    write_site([tmp_path / "one.view"], site)
    (site / "notes.txt").write_text("mine")
    file.write_text("mine")
    forged = tmp_path / "forged"
    forged.mkdir()
    (forged / SITE).write_text("[1]")
    for place, words in (
        (other, "thesis.tex"),
        (site, "notes.txt"),
        (file, "is a file"),
        (forged, SITE),
        (file / "below", "Cannot write"),
    ):
        with pytest.raises(OutputError, match=re.escape(words)):
            write_site([tmp_path / "one.view"], place)
    assert (other / "thesis.tex").read_text() == (site / "notes.txt").read_text() == "mine"
    assert (site / "one.html").exists() and file.read_text() == "mine"


def test_one_bad_result_leaves_nothing(tmp_path: Path) -> None:
    view("One").write(tmp_path / "one.view")
    (tmp_path / "bad.view").write_bytes((tmp_path / "one.view").read_bytes()[:50])
    with pytest.raises(BadViewError, match=r"bad\.view: The view is cut short"):
        write_site([tmp_path / "one.view", tmp_path / "bad.view"], tmp_path / "site")
    with pytest.raises(BadOptionError, match="at least"):
        write_site([], tmp_path / "site")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.view", "one.view"]


def test_a_picture_that_cannot_be_drawn_is_left_out(tmp_path: Path) -> None:
    item = PictureItem(Picture(b"\xff\xd8 not really"), (2, 1), "broken")
    View("t", "", [pictures([item])]).write(tmp_path / "a.view")
    write_site([tmp_path / "a.view"], tmp_path / "site")
    assert "<img" not in (tmp_path / "site" / "index.html").read_text("utf-8")
