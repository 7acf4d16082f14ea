"""One browser, and the app with one small model, for all files here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from app_pictures import encoded
from chromium import browsing, needs_browser, opened, served
from label_folders import row, thing, write_folder, write_pictures
from vlmscope.models import LoadedModel

NASTY = "<b>עברית & “x”.jpg"  # markup and two directions in the name of a file


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """For one file only: while it is open, this thread counts as one with a running event loop."""
    with browsing() as one:
        yield one


@pytest.fixture(scope="session")
def llava() -> LoadedModel:
    needs_browser()  # without one nobody looks at what the model says
    return vs.load("tiny-llava")


@pytest.fixture(scope="session")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of labels with its pictures."""
    pytest.importorskip("pyarrow", reason="pyarrow, which labels are kept with, is absent")
    place = tmp_path_factory.mktemp("labels")
    photos = place / "labels" / "photos"
    rows = [
        thing("a.jpg", score=0.9),
        thing("a.jpg", instance=1, score=0.2, warnings=["It is cut off."]),
        row("b.jpg"),
        thing("c.jpg", "<img src=x onerror=alert(1)>", score=None),
        thing(NASTY, "dog", score=0.4),
    ]
    source = {"kind": "folder", "place": str(photos)}
    write_folder(place / "labels", rows, fingerprint="f", kept={"source": source})
    write_pictures(photos, "a.jpg", "b.jpg", "c.jpg", NASTY)
    return place / "labels"


@pytest.fixture(scope="session")
def service(llava: LoadedModel, labels: Path) -> Iterator[Any]:
    pytest.importorskip("fastapi", reason="fastapi, which the app is made of, is absent")
    from vlmscope.app import AppSettings
    from vlmscope.app.folder.labels import ServedFolder
    from vlmscope.app.service import Service

    made = Service(llava, AppSettings(), ServedFolder(labels))
    yield made
    made.close()


@pytest.fixture(scope="session")
def address(service: Any) -> Iterator[str]:
    with served(service) as one:
        yield one


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered scene in a file whose name is markup."""
    path = tmp_path_factory.mktemp("pictures") / "<i>scene & עברית.png"
    path.write_bytes(encoded(3))
    return path


@pytest.fixture
def page(browser: Any, address: str, picture: Path) -> Iterator[Any]:
    """The app with a picture opened in it."""
    with opened(browser, f"{address}#mode=look") as one:
        one.get_by_label("Image", exact=True).set_input_files(picture)
        one.get_by_text("Picture opened.").wait_for()
        yield one
