"""``vlmscope eval --against`` and ``--method answer``, from end to end and in every wrong form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detectors import tiny_florence, tiny_owlv2
from vlmscope.cli.loading import Loading
from vlmscope.data.tiny_sets import make_tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "refcoco-m"
    make_tiny("refcoco-m", folder, 2)
    return folder


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("detectors")
    builds: dict[str, Callable[[], Any]] = {"owlv2": tiny_owlv2, "florence-2": tiny_florence}
    for id, build in builds.items():
        for part in build():
            part.save_pretrained(folder / id)
    return {id: folder / id for id in builds}


@pytest.fixture
def call(root: Path) -> list[Any]:
    return ["eval", "refcoco-m", "--root", root, "--model", "tiny-llava"]


def test_from_end_to_end(
    run: Any, call: list[Any], detectors: dict[str, Path], tmp_path: Path
) -> None:
    rows, out = tmp_path / "f.jsonl", tmp_path / "out"
    pair = f"owlv2={detectors['owlv2']},florence-2={detectors['florence-2']}"
    words = ["--method", "localization-heads,answer", "--against", pair]
    words += ["--against", f"owlv2@again={detectors['owlv2']}", "--rows", rows, "-o", out]
    result = run(*call, *words, "--json")
    assert result.code == 0, result.err
    record = json.loads(result.out)
    labels = ["localization-heads", "answer", "owlv2", "florence-2", "owlv2@again"]
    assert [each["label"] for each in record["runs"]] == labels
    lines = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    sentences = len(lines) / len(labels)
    for each in record["runs"]:
        assert each["scores"]["Acc@0.5"]["n"] == sentences
    by_label = {each["label"]: each for each in record["runs"]}
    assert by_label["answer"]["scores"]["answer unparsed"]["count"] == sentences
    assert by_label["answer"]["scores"]["RES oIoU"]["value"] is None
    assert by_label["owlv2"]["setting"]["revision"].startswith("sha256:")
    same = [
        [{**line, "method": ""} for line in lines if line["method"] == label]
        for label in ("owlv2", "owlv2@again")
    ]
    assert same[0] == same[1]
    assert all("answer" in line for line in lines if line["method"] in ("answer", "florence-2"))
    assert "owlv2: " in result.err and "The phrase was cut to the N of its N tokens" in result.err
    # the same command goes on from the state, and computes nothing anew
    again = run(*call, *words, "--json")
    assert json.loads(again.out) == record and "done before" in again.err


def test_the_report_says_who_was_asked_and_how(
    run: Any, call: list[Any], detectors: dict[str, Path], tmp_path: Path
) -> None:
    result = run(
        *call,
        "--method",
        "answer",
        "--against",
        f"owlv2={detectors['owlv2']}",
        "-o",
        tmp_path / "r",
    )
    assert result.code == 0, result.err
    text = (tmp_path / "r" / "report.md").read_text("utf-8")
    assert "**owlv2** (owlv2): checkpoint: " in text and "a box is not taken for one" in text
    assert "question: Provide the bounding box coordinate" in text
    [line] = [line for line in result.out.splitlines() if line.startswith("answer unparsed")]
    counted = re.search(r"\((\d+) of (\d+)\)", line)
    assert counted is not None and counted[1] == counted[2] != "0"  # tiny-llava writes no boxes
    assert counted[0] in text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("owlv2", "which says no checkpoint"),
        ("owl=x", "Did you mean 'owlv2'"),
        ("owlv2=/nowhere", "Unknown OWLv2 '/nowhere'"),
        ("owlv2=a,owlv2=b", "Two runs are called 'owlv2'"),
        ("owlv2=FLORENCE", "has the model type 'florence2'"),
    ],
)
def test_what_is_wrong_is_said_before_the_model_is_loaded(
    refused: Any,
    call: list[Any],
    detectors: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    why: str,
) -> None:
    monkeypatch.setattr(Loading, "model", lambda *_: pytest.fail("a model was loaded"))
    refused([*call, "--against", text.replace("FLORENCE", str(detectors["florence-2"]))], why)


def test_answer_of_an_encoder_is_refused(refused: Any, root: Path) -> None:
    words = ["eval", "refcoco-m", "--root", root, "--model", "tiny-clip", "--method", "answer"]
    refused(words, "tiny-clip answers nothing: it is an encoder")
