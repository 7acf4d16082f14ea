"""Loading from the hub, through its real client, from a hub on this machine.

The client reads the hub's address once, when it is imported, so everything happens in one process
of its own; each test looks at one part of what it reports.
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

import pytest
import torch
from filelock import FileLock

from fake_hub import FakeHub, Repository, serving
from families import llava

FIRST, SECOND, OTHER = "1" * 40, "2" * 40, "3" * 40

SESSION = textwrap.dedent(
    """
    import contextlib, io, json, os, sys, time, urllib.request
    from pathlib import Path
    import vlmscope as vs
    from PIL import Image
    from vlmscope.cli import main

    time.sleep = lambda seconds: None  # the client asks again and waits, longer each time

    def load(name, **options):
        try:
            model = vs.load(name, device="cpu", **options)
        except vs.errors.VlmscopeError as error:
            return {"error": type(error).__name__, "said": str(error)}
        mean = float(model.hf.lm_head.weight.float().mean())
        return {"revision": model.revision, "mean": mean}

    def doctor(name):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = main(["doctor", name, "--json"])
        return {"code": code, **json.loads(out.getvalue())["model"]}

    def weights_here():
        return len(list(Path(os.environ["HF_HOME"]).rglob("*.safetensors")))

    def outline(name):
        import torch
        before = weights_here()
        made = vs.load_outline(name)
        fetched = weights_here() - before
        tokens = vs.token_map(made, Image.new("RGB", (40, 30)), "a dog")
        hidden = torch.ones(len(tokens), made.decoder.config.hidden_size)
        rows = vs.rows_from_hidden_states(made, hidden, tokens, 1)
        return {"revision": made.revision, "fetched": fetched, "heads": len(rows)}

    found = {}
    found["doctor before"] = {**doctor("tiny/llava"), "files": weights_here()}
    found["moving"] = load("tiny/moving")
    found["main"] = load("tiny/llava")
    found["doctor after"] = doctor("tiny/llava")
    found["side"] = load("tiny/llava", revision="side")
    found["commit"] = load("tiny/llava", revision="2" * 40)
    found["outline"] = outline("tiny/llava")
    found["no such branch"] = load("tiny/llava", revision="nope")
    found["gated"] = load("tiny/gated")
    found["nobody"] = load("tiny/nobody")
    found["no config"] = load("tiny/bare")
    found["doctor half"] = None
    with contextlib.suppress(Exception):
        from huggingface_hub import hf_hub_download
        hf_hub_download("tiny/half", "config.json")
    urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/stop").read()
    found["cached"] = load("tiny/llava")
    found["outline without the hub"] = outline("tiny/llava")
    found["unreachable"] = load("tiny/never-seen")
    found["half"] = load("tiny/half")
    found["doctor half"] = doctor("tiny/half")
    print(json.dumps(found))
    """
)


def commit(folder: Path, value: float) -> Path:
    """A checkpoint whose output layer holds one value everywhere."""
    model = llava()
    torch.nn.init.constant_(model.hf.lm_head.weight, value)
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process saw, first with the hub and then without it; run once for all workers."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    report = shared / "hub-session.json"
    with FileLock(shared / "hub-session.lock"):
        if not report.is_file():
            report.write_text(json.dumps(run_session(tmp_path_factory.mktemp("hub"))))
    return dict(json.loads(report.read_text()))


def run_session(root: Path) -> dict[str, Any]:
    first, second = commit(root / "first", 1.0), commit(root / "second", 2.0)
    bare = root / "bare"
    bare.mkdir()
    shutil.copy(first / "tokenizer.json", bare)
    hub = FakeHub(
        {
            "tiny/llava": Repository(
                {FIRST: first, SECOND: second}, {"main": FIRST, "side": SECOND}
            ),
            "tiny/moving": Repository({FIRST: first, SECOND: second}, {"main": FIRST}, SECOND),
            "tiny/half": Repository({FIRST: first}, {"main": FIRST}),
            "tiny/gated": Repository({FIRST: first}, {"main": FIRST}, gated=True),
            "tiny/bare": Repository({OTHER: bare}, {"main": OTHER}),
        }
    )
    with serving(hub):
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(root / "cache"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", SESSION], env=environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return {**json.loads(done.stdout.splitlines()[-1]), "asked": hub.asked}


@pytest.mark.parametrize(
    ("case", "revision", "value"),
    [("main", FIRST, 1.0), ("side", SECOND, 2.0), ("commit", SECOND, 2.0)],
)
def test_a_branch_is_recorded_as_its_commit(
    session: dict[str, Any], case: str, revision: str, value: float
) -> None:
    assert session[case] == {"revision": revision, "mean": pytest.approx(value)}


def test_everything_is_read_from_one_state(session: dict[str, Any]) -> None:
    """The branch moves right after the configuration was read: the weights stay with it."""
    assert session["moving"] == {"revision": FIRST, "mean": pytest.approx(1.0)}


def test_the_cache_is_enough(session: dict[str, Any]) -> None:
    assert session["cached"] == session["main"]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("no such branch", "no such revision"),
        ("gated", "is gated: accept its licence"),
        ("nobody", "knows no model 'tiny/nobody'"),
        ("no config", "no transformers checkpoint: a file is missing"),
        ("unreachable", "the hub cannot be reached"),
        ("half", "not all of it, and the hub cannot be reached"),
    ],
)
def test_each_refusal_has_its_own_message(session: dict[str, Any], case: str, said: str) -> None:
    assert session[case]["error"] == "ModelLoadError"
    assert said in session[case]["said"]


def test_doctor_asks_the_hub_and_downloads_no_weights(session: dict[str, Any]) -> None:
    before, after = session["doctor before"], session["doctor after"]
    assert before["files"] == 0
    assert before["asked"] == "the hub's metadata"
    assert before["stored"] == after["stored"] == {"F32": before["parameters"]}
    assert before["revision"] == FIRST
    assert before["picture"]["image_tokens"] == 16
    assert "file(s) here" in after["asked"]


def test_doctor_says_that_it_could_not_ask(session: dict[str, Any]) -> None:
    half = session["doctor half"]
    assert half["code"] in (0, 1)
    assert half["stored"] is None
    assert "the hub could not be asked" in half["asked"]
    assert half["weights"]["float32"] == 4 * half["parameters"]


@pytest.mark.parametrize("when", ["outline", "outline without the hub"])
def test_an_outline_reads_a_layer_of_the_same_commit(session: dict[str, Any], when: str) -> None:
    assert session[when] == {"revision": FIRST, "fetched": 0, "heads": 8}
