"""Evidence from end to end: rows against plain calls, areas by counting pairs, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from vlmscope.data.datasets import open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, UnsupportedError
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.evidence import Evidence
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.thresholds import Thresholds

DECODER = ["localization-heads", "mean-attention", "attend-minus-mean"]
KINDS = ("presence", "contrast", "answer")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evidence") / "set"
    make_tiny("grefcoco", folder, 3)
    return folder


@pytest.fixture(scope="module")
def llava() -> Any:
    return vs.load("tiny-llava", device="cpu")


@pytest.fixture(scope="module")
def clip() -> Any:
    return vs.load("tiny-clip", device="cpu")


def run(root: Path, model: Any, methods: list[str], split: str = "val", **more: Any) -> Any:
    data = open_dataset("grefcoco", root, split=split)
    return evaluate(data, model, choose(methods), progress=False, **more)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def measured(root: Path, llava: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The evaluation, its rows, its thresholds and the rows without other evidence."""
    folder = tmp_path_factory.mktemp("measured")
    files = {"rows": folder / "rows.jsonl", "thresholds_out": folder / "thresholds.json"}
    found = run(root, llava, DECODER, evidence=Evidence.of(KINDS), tasks=["absent"], **files)
    run(root, llava, DECODER, tasks=["absent"], rows=folder / "plain.jsonl")
    plain = rows_of(folder / "plain.jsonl")
    return found, rows_of(files["rows"]), Thresholds.load(files["thresholds_out"]), plain


def test_areas_are_shares_of_pairs_won(measured: Any) -> None:
    found, rows, _, _ = measured
    for label in DECODER:
        mine = [row for row in rows if row["method"] == label]
        for kind in ("score", *KINDS):
            name = "absent AUC" if kind == "score" else f"absent AUC {kind}"
            by = {
                absent: [
                    row["score"] if kind == "score" else row["evidence"][kind]
                    for row in mine
                    if row["absent"] is absent
                ]
                for absent in (True, False)
            }
            won = [(p > n) + (p == n) / 2 for p in by[False] for n in by[True]]
            assert found[label][name].interval.value == pytest.approx(np.mean(won)), (label, kind)


def test_other_evidence_leaves_everything_else_as_it_is(measured: Any) -> None:
    _, rows, _, plain = measured
    assert len(rows) == len(plain)
    for row, other in zip(rows, plain, strict=True):
        assert set(row) - set(other) == {"evidence"}
        assert set(row["evidence"]) == set(KINDS)
        assert row["score"] == pytest.approx(other["score"], abs=1e-5)
        assert (row["box"], row["absent"], row["text"]) == (
            other["box"],
            other["absent"],
            other["text"],
        )


def test_evidence_of_decoders_is_that_of_plain_calls(root: Path, llava: Any, measured: Any) -> None:
    data = open_dataset("grefcoco", root, split="val")
    image_id = data.image_ids[0]
    pixels = data.load(image_id).image.pixels
    for label in DECODER:
        mine = [r for r in measured[1] if r["method"] == label and r["image"] == image_id]
        for row in mine[:4]:
            said, null = (vs.ground(llava, pixels, p, label) for p in (row["text"], "object"))
            assert row["evidence"]["contrast"] == pytest.approx(said.score - null.score, abs=1e-4)
            if label != "attend-minus-mean":
                looked = attention_on_image(llava, pixels, row["text"], said)
                assert row["evidence"]["presence"] == pytest.approx(looked, abs=1e-4)
    answers = {
        label: [r["evidence"]["answer"] for r in measured[1] if r["method"] == label]
        for label in DECODER
    }
    assert answers["mean-attention"] == answers["localization-heads"]


def attention_on_image(model: Any, pixels: np.ndarray, phrase: str, said: vs.Grounding) -> float:
    """Attention of the heads read, summed over the image tokens, straight from a capture."""
    preset = said.details["prompt"]
    with vs.capture(model, rows="last_text") as trace:
        vs.prefill(model, pixels, phrase, preset=preset)
    sums = trace.maps[:, :, 0].double().sum(-1)  # (layers, heads)
    if "heads" not in said.details:
        return float(sums.mean())
    pairs = [name[1:].split("H") for name in said.details["heads"]]
    return float(torch.stack([sums[int(layer), int(head)] for layer, head in pairs]).mean())


@pytest.mark.parametrize("options", ["", "window=96"])
def test_evidence_of_encoders_is_that_of_plain_calls(
    root: Path, clip: Any, tmp_path: Path, options: str
) -> None:
    file = tmp_path / "rows.jsonl"
    more = {"window": 96, "stride": 48, "side": 128} if options else {}
    data = open_dataset("grefcoco", root, split="val")
    asked = Evidence.of(["contrast", "presence"], null="shape")
    chosen = choose(["gem"], {"gem": more})
    evaluate(
        data, clip, chosen, tasks=["absent"], limit=1, evidence=asked, rows=file, progress=False
    )
    pixels = data.load(data.image_ids[0]).image.pixels
    for row in rows_of(file)[:5]:
        said, null = vs.ground(clip, pixels, [row["text"], "shape"], "gem", **more)
        assert row["score"] == pytest.approx(said.score, abs=1e-5)
        assert row["evidence"]["contrast"] == pytest.approx(said.score - null.score, abs=1e-5)
        assert row["evidence"]["presence"] == pytest.approx(said.details["presence"], abs=1e-5)


def test_each_kind_decides_by_its_own_threshold(
    root: Path, llava: Any, measured: Any, tmp_path: Path
) -> None:
    thresholds = measured[2]
    for kind in KINDS:
        place = tmp_path / f"{kind}.jsonl"
        found = run(
            root, llava, DECODER[:1], "testA", thresholds=thresholds, decide=kind, rows=place
        )
        said = found.protocol["threshold"]
        [value] = said["values"].values()
        assert (said["by"], said["chosen_on"]) == (kind, "grefcoco val")
        mine = [r for r in measured[1] if r["method"] == DECODER[0]]
        assert value == best(mine, kind)
        rows = rows_of(place)
        assert all(r["rejected"] == (r["evidence"][kind] < value) for r in rows)
        right = np.mean([r["rejected"] == r["absent"] for r in rows])
        for name in ("absent accuracy", "N_acc", "T_acc", "GREC N_acc"):
            assert found.runs[0][name].interval is not None
        assert found.runs[0]["absent accuracy"].interval.value == pytest.approx(right)
        kept = np.mean([not r["rejected"] for r in rows if not r["absent"]])
        assert found.runs[0]["T_acc"].interval.value == pytest.approx(kept)


def best(rows: list[dict[str, Any]], kind: str) -> float:
    """The least value with the largest mean of both shares, by trying each."""
    absent = [r["evidence"][kind] for r in rows if r["absent"]]
    there = [r["evidence"][kind] for r in rows if not r["absent"]]
    pairs = [
        (np.mean([v < t for v in absent]) + np.mean([v >= t for v in there]), -t)
        for t in sorted({*absent, *there})
    ]
    return -max((round(float(share), 12), least) for share, least in pairs)[1]


def test_yes_against_no_decides_without_a_file(root: Path, llava: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    found = run(root, llava, ["mean-attention"], decide="answer", rows=file)
    assert found.protocol["decided by rule"] == {
        "mean-attention": "rejected where answer is below 0.5; no threshold was chosen"
    }
    assert "threshold" not in found.protocol
    rows = rows_of(file)
    assert all(r["rejected"] == (r["evidence"]["answer"] < 0.5) for r in rows)
    assert found.runs[0]["absent accuracy"].detail["chosen_on"].startswith("no split")


def test_what_does_not_fit_is_refused(root: Path, llava: Any, clip: Any, measured: Any) -> None:
    thresholds = measured[2]
    with pytest.raises(BadOptionError, match="'contrast' decides by a threshold"):
        run(root, llava, ["mean-attention"], decide="contrast")
    with pytest.raises(
        BadOptionError, match="under {'null': 'object'}, here it is {'null': 'shape'}"
    ):
        asked = Evidence.of(["contrast"], null="shape")
        run(
            root,
            llava,
            ["mean-attention"],
            "testA",
            thresholds=thresholds,
            decide="contrast",
            evidence=asked,
        )
    with pytest.raises(UnsupportedError, match="'relative-attention' has no presence score"):
        run(root, llava, ["relative-attention"], evidence=Evidence.of(["presence"]))
    with pytest.raises(BadOptionError, match="no task here is about sentences"):
        data = open_dataset("tiny-scenes")
        evaluate(
            data,
            clip,
            choose(["gem"]),
            tasks=["pointing"],
            limit=1,
            evidence=Evidence.of(["contrast"]),
            progress=False,
        )
    plain = Thresholds(**{**vars(thresholds), "others": {}})
    with pytest.raises(
        BadOptionError, match=r"no threshold of answer for mean-attention.*--evidence"
    ):
        run(root, llava, ["mean-attention"], "testA", thresholds=plain, decide="answer")


def test_files_keep_all_kinds_and_old_ones_are_read(measured: Any, tmp_path: Path) -> None:
    thresholds = measured[2]
    thresholds.save(tmp_path / "again.json")
    assert Thresholds.load(tmp_path / "again.json") == thresholds
    content = json.loads((tmp_path / "again.json").read_text())
    for each in content["runs"]:
        assert set(each.pop("evidence")) == set(KINDS)
    (tmp_path / "old.json").write_text(json.dumps(content))
    assert Thresholds.load(tmp_path / "old.json").values == thresholds.values
    content["runs"][0]["evidence"] = {"contrast": {"value": "x", "setting": {}}}
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(BadOptionError, match="holds no thresholds"):
        Thresholds.load(tmp_path / "bad.json")


def test_finished_images_are_kept_per_kinds_and_settings(
    root: Path, llava: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, calls = tmp_path / "state.jsonl", list[str]()
    kind = type(open_dataset("grefcoco", root, split="val"))
    load = kind.load

    def counted(self: Any, image_id: str) -> Any:
        calls.append(image_id)
        return load(self, image_id)

    monkeypatch.setattr(kind, "load", counted)
    steps = [
        (None, 3),
        (Evidence.of(["contrast"]), 6),
        (Evidence.of(["contrast"]), 6),
        (Evidence.of(["contrast"], null="shape"), 9),
        (None, 9),
    ]
    for asked, count in steps:
        run(root, llava, ["mean-attention"], evidence=asked, resume=state, tasks=["absent"])
        assert len(calls) == count


def test_what_it_costs(root: Path, llava: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    body = type(llava.family).body

    def counted(self: Any, hf: Any, **inputs: Any) -> None:
        passes.append(inputs["input_ids"].shape[1])
        body(self, hf, **inputs)

    monkeypatch.setattr(type(llava.family), "body", counted)

    def count(*kinds: str) -> int:
        passes.clear()
        run(root, llava, DECODER, evidence=Evidence.of(kinds), tasks=["absent"])
        return len(passes)

    images = 3
    plain = count()
    assert (
        images <= plain <= images * len(DECODER)
    )  # the prefix of an image, at most once per method
    assert count("presence", "contrast") == plain
    assert count("answer") == plain + images  # once for all methods


def test_the_null_phrase_is_asked_of_images_side_by_side_too(
    root: Path, llava: Any, tmp_path: Path
) -> None:
    found = []
    for batch in (1, 3):
        file = tmp_path / f"{batch}.jsonl"
        asked = Evidence.of(["contrast", "answer"])
        run(root, llava, DECODER, evidence=asked, rows=file, batch=batch, tasks=["absent"])
        found.append([[*row["evidence"].values(), row["score"]] for row in rows_of(file)])
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
