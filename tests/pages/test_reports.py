"""Pages that need no server are drawn from their files, whatever is written in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import vlmscope as vs
from chromium import opened
from label_folders import thing, write_folder, write_pictures
from vlmscope.analysis.knockout import KnockoutOptions
from vlmscope.data.questions import scene_questions
from vlmscope.labels.audit import audit_labels
from vlmscope.models import LoadedModel

HOSTILE = "<img src=x onerror=alert(1)><b>\u05db\u05d3\u05d5\u05e8</b> \u202eabc"


def test_an_analysis(browser: Any, llava: LoadedModel, tmp_path: Path) -> None:
    options = KnockoutOptions(width=2)
    swept = vs.knockout_sweep(llava, scene_questions(1, ["colour"]), options)
    swept.view().write(tmp_path / "page.html")
    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        page.get_by_role("heading", level=1).wait_for()
        assert page.locator("main svg").count() > 0
        assert page.locator("[role=alert]").count() == 0


def test_a_grounding(browser: Any, llava: LoadedModel, picture: Path, tmp_path: Path) -> None:
    vs.ground(llava, picture, HOSTILE).view().write(tmp_path / "page.html")
    with opened(browser, (tmp_path / "page.html").as_uri()) as page:
        page.get_by_role("img", name="Heat map").wait_for()
        assert HOSTILE in page.locator("main").inner_text()
        assert page.locator("main :is(b, img)").count() == 0
        assert page.locator("[role=alert]").count() == 0


def test_an_audit(browser: Any, tmp_path: Path) -> None:
    source = {"kind": "folder", "place": str(write_pictures(tmp_path / "photos", "a.jpg"))}
    labels = write_folder(
        tmp_path / "labels", [thing("a.jpg", HOSTILE)], fingerprint="f", kept={"source": source}
    )
    audit_labels(labels, tmp_path / "audit.html", source=str(tmp_path / "photos"))
    with opened(browser, (tmp_path / "audit.html").as_uri()) as page:
        page.get_by_text(HOSTILE).first.wait_for()
        page.keyboard.press("a")
        page.get_by_text("1 accepted").first.wait_for()
