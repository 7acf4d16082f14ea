"""Data sets on a hub, through its real client, from a hub on this machine.

The client reads the hub's address once, when it is imported, so everything happens in one process of
its own; each test looks at one part of what it reports.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fake_hub import FakeHub, Repository, serving
from ref_sets import grounding_me, write_parquet
from set_forms import form
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny

SESSION = textwrap.dedent(
    """
    import json, os, urllib.request
    from pathlib import Path
    from vlmscope.data.datasets import open_dataset
    from vlmscope.data.datasets.check import check_dataset
    from vlmscope.errors import VlmscopeError

    FORMS, FOLDERS = json.loads(os.environ["FORMS"]), json.loads(os.environ["FOLDERS"])

    def load(name, address):
        try:
            data = open_dataset(name, address)
        except VlmscopeError as error:
            return {"error": type(error).__name__, "said": str(error)}
        labels = [each.label for i in data.image_ids for each in data.load(i).referents]
        return {"digest": data.digest, "labels": labels, "hub": data.protocol["hub"]}

    def check(name, address):
        try:
            return check_dataset(name, address).to_dict()
        except VlmscopeError as error:
            return {"error": type(error).__name__, "said": str(error)}

    found = {}
    found["loaded"] = load("refcoco-m", "hf://datasets/me/refcoco-m")
    found["as a path"] = load("refcoco-m", Path("hf://datasets/me/refcoco-m/"))
    found["older"] = load("refcoco-m", "hf://datasets/me/refcoco-m@old")
    found["rows"] = load("groundingme", "hf://datasets/me/rows")
    found["forms"] = {
        name: load(dataset, f"hf://datasets/me/{name}") for name, dataset in FORMS.items()
    }
    found["of folders"] = {
        name: [load(dataset, f"hf://datasets/me/{name}"), check(dataset, f"hf://datasets/me/{name}")]
        for name, dataset in FOLDERS.items()
    }
    found["checked"] = check("refcoco-m", "hf://datasets/me/refcoco-m")
    found["check nobody"] = check("refcoco-m", "hf://datasets/me/nothing")
    found["no branch"] = load("refcoco-m", "hf://datasets/me/refcoco-m@nope")
    found["nobody"] = load("refcoco-m", "hf://datasets/me/nothing")
    found["gated"] = load("refcoco-m", "hf://datasets/me/gated")
    found["empty"] = load("refcoco-m", "hf://datasets/me/empty")
    found["model"] = load("refcoco-m", "hf://me/refcoco-m")
    urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/stop").read()
    found["cached"] = load("refcoco-m", "hf://datasets/me/refcoco-m")
    found["unreachable"] = load("refcoco-m", "hf://datasets/me/never-seen")
    print(json.dumps(found))
    """
)
FORMS = {
    "refcoco-m": "refcoco-m",
    "groundingme": "groundingme",
    "ref-l4-inside": "ref-l4",
    "refcoco-lmms": "refcoco",
    "refcoco-plus-lmms": "refcoco+",
    "refcocog-lmms": "refcocog",
    "screens": "screenspot",
}
"""Repository -> the data set that reads it: all that have their images inside."""

FOLDERS = {"ref-l4": "ref-l4", "refcoco-jxu124": "refcoco"}
"""Those whose images lie elsewhere, so that an address alone is not enough."""

NEW, OLD = "1" * 40, "2" * 40


def pictures_inside(root: Path, out: Path) -> None:
    """Ref-L4 as a copy that has its images in a column."""
    shutil.copytree(root, out)
    for name in ("ref-l4-val.parquet", "ref-l4-test.parquet"):
        rows = pq.read_table(out / name).to_pylist()
        for row in rows:
            row["image"] = {"bytes": (out / "images" / row["file_name"]).read_bytes(), "path": ""}
        write_parquet(out / name, rows)
    shutil.rmtree(out / "images")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub-sets")
    make_tiny("refcoco-m", folder / "new", 2)
    make_tiny("refcoco-m", folder / "old", 1)
    for name in ("README.md", "images.zip"):
        (folder / "new" / name).write_text("not needed")
    grounding_me(folder / "rows", [[30.0, 20.0, 50.0, 35.0]])
    for name in ("groundingme", "ref-l4", "refcoco-lmms", "refcocog-lmms", "refcoco-jxu124"):
        make_tiny(name, folder / name, 2)
    make_tiny("refcoco+-lmms", folder / "refcoco-plus-lmms", 2)
    form("screenspot in Parquet").make(folder / "screens")
    pictures_inside(folder / "ref-l4", folder / "ref-l4-inside")
    (folder / "empty").mkdir()
    (folder / "empty" / "README.md").write_text("nothing yet")
    return folder


@pytest.fixture(scope="module")
def hub(root: Path) -> FakeHub:
    set_of = Repository({NEW: root / "new", OLD: root / "old"}, {"main": NEW, "old": OLD})
    return FakeHub(
        {
            "me/refcoco-m": set_of,
            **{
                f"me/{name}": Repository({NEW: root / name}, {"main": NEW})
                for name in (*FORMS, *FOLDERS)
                if name != "refcoco-m"
            },
            "me/rows": Repository({NEW: root / "rows"}, {"main": NEW}),
            "me/gated": Repository({NEW: root / "new"}, {"main": NEW}, gated=True),
            "me/empty": Repository({NEW: root / "empty"}, {"main": NEW}),
        }
    )


@pytest.fixture(scope="module")
def session(root: Path, hub: FakeHub) -> dict[str, Any]:
    with serving(hub):
        environment = {
            **os.environ,
            "FORMS": json.dumps(FORMS),
            "FOLDERS": json.dumps(FOLDERS),
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(root / "cache"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        command = [sys.executable, "-c", SESSION]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_set_on_the_hub_is_what_its_folder_is(session: dict[str, Any], root: Path) -> None:
    data = open_dataset("refcoco-m", root / "new")
    loaded = session["loaded"]
    assert loaded["digest"] == data.digest and len(loaded["labels"]) > 3
    assert loaded["hub"] == f"hf://datasets/me/refcoco-m@{NEW}"
    assert session["as a path"] == loaded
    assert session["rows"]["labels"] == ["thing 0"]


@pytest.mark.parametrize("name", FORMS)
def test_every_set_with_its_images_inside_is_read_from_the_hub(
    session: dict[str, Any], root: Path, name: str
) -> None:
    data = open_dataset(FORMS[name], root / ("new" if name == "refcoco-m" else name))
    loaded = session["forms"][name]
    assert loaded["digest"] == data.digest
    labels = [r.label for image_id in data.image_ids for r in data.load(image_id).referents]
    assert loaded["labels"] == labels and labels
    assert loaded["hub"] == f"hf://datasets/me/{name}@{NEW}"


@pytest.mark.parametrize("name", FOLDERS)
def test_a_set_whose_images_lie_elsewhere_says_so(session: dict[str, Any], name: str) -> None:
    loaded, checked = session["of folders"][name]
    assert loaded["error"] == "BadSampleError"
    for text in (loaded["said"], checked["problem"]):
        assert "2 of the 2 images of" in text and "are missing" in text
        assert f"hf://datasets/me/{name}@{NEW}, of which Parquet alone is fetched" in text
        assert "give that as --root" in text
    assert not checked["usable"]


def test_a_revision_can_be_named(session: dict[str, Any], root: Path) -> None:
    assert session["older"]["digest"] == open_dataset("refcoco-m", root / "old").digest
    assert session["older"]["hub"] == f"hf://datasets/me/refcoco-m@{OLD}"


def test_only_parquet_is_fetched(session: dict[str, Any], hub: FakeHub) -> None:
    files = [each for each in hub.asked if each.startswith("GET") and "/resolve/" in each]
    assert session and files
    assert all(each.endswith((".parquet", "manifest.json")) for each in files)


def test_a_set_on_the_hub_is_checked(session: dict[str, Any]) -> None:
    checked = session["checked"]
    assert checked["usable"] and checked["parts"][0]["count"] == 1
    assert checked["root"] == f"hf://datasets/me/refcoco-m@{NEW}"
    assert session["check nobody"] == session["nobody"]


def test_what_was_fetched_is_there_without_a_connection(session: dict[str, Any]) -> None:
    assert session["cached"] == session["loaded"]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "no branch",
            "me/refcoco-m has no such revision. Give a branch, tag or commit that exists",
        ),
        ("nobody", "The hub knows no data set 'me/nothing'"),
        ("gated", "me/gated is gated: accept its licence"),
        ("empty", "me/empty is on the hub, but holds no Parquet file"),
        ("model", "are named hf://datasets/OWNER/NAME, perhaps with @REVISION, got 'hf://me/"),
        ("unreachable", "me/never-seen is not in the local cache, and the hub cannot be reached"),
    ],
)
def test_what_cannot_be_fetched_says_why(session: dict[str, Any], case: str, message: str) -> None:
    assert session[case]["error"] == "BadSampleError"
    assert message in session[case]["said"]
