"""``data check`` and ``data make-tiny``, and ``eval`` on what they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ref_sets import as_lmms, change_refs, unpublished
from vlmscope.cli.data_options import columns_of
from vlmscope.data.tiny_sets import LAYOUTS
from vlmscope.data.tiny_sets.label_map_layouts import MAP_LAYOUTS
from vlmscope.errors import BadOptionError

IMAGES = 2


@pytest.fixture
def root(run: Any, tmp_path: Path) -> Path:
    made = run(
        "data", "make-tiny", "--like", "refcoco", "--out", tmp_path / "s", "--images", IMAGES
    )
    assert made.code == 0
    return tmp_path / "s"


USUAL = {
    "screenspot": "all",
    "mme": "test",
    "groundingme": "test",
    "pope": "random",
    "chair": "val2014",
}


@pytest.mark.parametrize("like", LAYOUTS)
def test_a_rendered_set_is_whole(run: Any, tmp_path: Path, like: str) -> None:
    words = ("--like", like, "-o", tmp_path / "set", "--images", IMAGES, "--json")
    made = json.loads(run("data", "make-tiny", *words).out)
    name = LAYOUTS[like].dataset
    checked = run("data", "check", name, "--root", tmp_path / "set", "--json")
    found = json.loads(checked.out)
    assert checked.code == 0 and found["usable"] and found["problem"] == ""
    counts = made["splits"][found["split"] or "all"]
    assert found["counts"] == {kind: counts[kind] for kind in found["counts"]}
    assert found["counts"]["images"] > 0
    usual = USUAL.get(like, "val")
    if found["splits"]:
        assert found["split"] == found["splits"][0] == usual
    assert all(part["count"] for part in found["parts"])


MAPS = [layout.dataset for layout in MAP_LAYOUTS]
UNSAID = ("mme", "pope", "chair", "coco-panoptic", "openimages-points", *MAPS)  # no sentences
MEASURED = [like for like in LAYOUTS if like not in UNSAID]


@pytest.mark.parametrize("like", [*MAPS, "openimages-points"])
def test_a_rendered_set_of_pixels_is_measured(run: Any, tmp_path: Path, like: str) -> None:
    root = tmp_path / "set"
    run("data", "make-tiny", "--like", like, "-o", root, "--images", 1)
    words = ["eval", like, "--root", root, "--model", "tiny-clip", "--method", "clip", "--json"]
    if like in MAPS:
        words += ["--words", root / "words.json"]
    result = run(*words, "-q")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report["images"] == 1 and report["protocol"]["dataset"]["counts"]["images"] == 1
    scores = report["runs"][0]["scores"]
    assert ("mIoU" if like in MAPS else "points mIoU pooled") in scores
    if like in MAPS:
        classes, counted = scores["mIoU"]["classes"], scores["mIoU"]["mmseg"]["classes"]
        there = scores["mIoU present"]["classes_present"]
        assert f"clip: mIoU is the mean over the {counted} of {classes} classes" in result.err
        assert f"mIoU present is the mean over the {there} of {classes} classes" in result.err


def test_words_are_chosen_by_name_or_file(run: Any, refused: Any, tmp_path: Path) -> None:
    root = tmp_path / "set"
    run("data", "make-tiny", "--like", "voc21", "-o", root, "--images", 1)
    words = ["eval", "voc21", "--root", root, "--model", "tiny-clip", "--method", "clip"]
    for kind, names in (("plain", 21), ("field", 56)):
        report = json.loads(run(*words, "--words", kind, "--json", "-q").out)
        assert report["protocol"]["words"]["title"] == f"voc21 {kind}"
        assert report["protocol"]["words"]["names"] == names
    refused([*words, "--words", "fields"], "Cannot read the word list fields")
    refused([*words, "--words", "plain,plain"], "Two word lists are called 'plain'")
    both = json.loads(run(*words, "--json", "-q").out)  # where nothing is said
    assert [each["label"] for each in both["runs"]] == ["clip", "clip:field"]
    alone = json.loads(run(*words, "--words", "plain", "--json", "-q").out)
    assert both["runs"][:1] == alone["runs"] and len(alone["runs"]) == 1
    assert both["protocol"]["other_words"]["field"]["names"] == 56
    asked = run(*words, "--words", "field,plain", "--ratio-to", "clip")
    assert "clip:plain" in asked.out and "word lists sha256:" in asked.err
    assert "The vocabulary of tiny-clip lacks" in asked.err


@pytest.mark.parametrize("like", MEASURED)
def test_a_rendered_set_is_measured_and_its_rows_say_the_same(
    run: Any, tmp_path: Path, like: str
) -> None:
    """From make-tiny to scores: every reader, and every score of a sentence worked out again."""
    root, rows = tmp_path / "set", tmp_path / "rows.jsonl"
    made = run("data", "make-tiny", "--like", like, "-o", root, "--images", IMAGES)
    name = LAYOUTS[like].dataset
    assert f"Read it with: vlmscope data check {name} --root {root}" in made.err
    words = ["eval", name, "--root", root, "--model", "tiny-clip", "--method", "clip", "--json"]
    result = run(*words, "-q", "--rows", rows)
    assert result.code == 0, result.err
    report = json.loads(result.out)
    data, scores = report["protocol"]["dataset"], report["runs"][0]["scores"]
    counts = json.loads((root / "manifest.json").read_text())["splits"]
    usual = {"screenspot": "all", "groundingme": "test"}.get(like, "val")
    assert data["id"] == name and data["counts"] == counts[usual] and "partial" not in data
    lines = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    assert len(lines) == counts[usual]["sentences"] and report["images"] == counts[usual]["images"]
    present = [line for line in lines if not line["absent"]]
    expected = {
        "Acc@0.5": [line["iou"] >= 0.5 for line in present],
        "pointing": [line["pointing"] for line in present],
        "centre": [line["centre"] for line in present],
    }
    for metric, hits in expected.items():
        assert scores[metric]["n"] == len(hits)
        assert scores[metric]["value"] == pytest.approx(sum(hits) / len(hits))
    own = {
        "ref-l4": "Ref-L4 Acc@0.5",
        "reasonseg": "ReasonSeg gIoU",
        "groundingme": "absent AUC",
        "grefcoco": "absent AUC",
    }
    assert own.get(like, "Acc@0.5") in scores


def test_a_press_counts_when_the_point_lies_in_the_box(run: Any, tmp_path: Path) -> None:
    root, rows = tmp_path / "set", tmp_path / "rows.jsonl"
    run("data", "make-tiny", "--like", "screenspot", "-o", root, "--images", IMAGES)
    words = ["eval", "screenspot", "--root", root, "--model", "tiny-clip"]
    words += ["--method", "clip", "--json", "-q", "--rows", rows]
    scores = json.loads(run(*words).out)["runs"][0]["scores"]
    lines = [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
    inside = []
    for line in lines:
        (x, y), (x0, y0, x1, y1) = line["point"], line["truth"]
        inside.append(x0 <= x < x1 and y0 <= y < y1)
    assert scores["pointing"]["n"] == len(lines) and 0 < sum(inside) < len(lines)
    assert scores["pointing"]["value"] == pytest.approx(sum(inside) / len(lines))


def test_a_limit_is_a_part_and_asked_for(run: Any, root: Path, tmp_path: Path) -> None:
    words = ["eval", "refcoco", "--root", root, "--model", "tiny-clip", "--method", "clip"]
    result = run(*words, "--limit", 1, "-q", "-o", tmp_path / "out", "--json")
    whole = json.loads((root / "manifest.json").read_text())["splits"]["val"]["sentences"]
    report = json.loads(result.out)
    n = report["runs"][0]["scores"]["pointing"]["n"]
    part = f"{n} of {whole} sentences (limit: 1 image)"
    assert report["protocol"]["dataset"]["partial"] == part and n < whole
    assert {each["partial"] for each in report["runs"][0]["scores"].values()} == {part}
    assert result.code == 0 and f"partial: {part}" in result.err
    shown = run(*words, "--limit", 1, "-q").out
    assert shown.count(f"(partial: {part})") == len(report["runs"][0]["scores"])
    # the same state goes on to the whole, which is no part any more
    rest = run(*words, "--limit", IMAGES, "-o", tmp_path / "out", "--json", "-q")
    assert rest.code == 0 and "partial" not in json.loads(rest.out)["protocol"]["dataset"]
    assert len((tmp_path / "out" / "samples.jsonl").read_text().splitlines()) == 1 + IMAGES


def test_what_the_split_lacks_is_no_success(run: Any, root: Path) -> None:
    words = ["eval", "refcoco", "--root", root, "--model", "tiny-clip", "--method", "clip", "-q"]
    change_refs(root, lambda refs: [ref for ref in refs if ref["ref_id"] != _last(refs)])
    refused = run(*words)
    assert refused.code == 2 and "it is cut short" in refused.err
    result = run(*words, "--partial", "--json")
    report = json.loads(result.out)
    assert result.code == 1 and report["skipped"] == []
    both = run(*words, "--partial", "--json", "--limit", 1)
    assert both.code == 1
    assert "(limit: 1 image)" in json.loads(both.out)["protocol"]["dataset"]["partial"]


def test_missing_images_are_counted_and_no_success(run: Any, root: Path) -> None:
    (root / "train2014" / "COCO_train2014_000000000003.jpg").unlink()
    words = ["eval", "refcoco", "--root", root, "--model", "tiny-clip", "--method", "clip", "-q"]
    refused = run(*words)
    assert refused.code == 2 and "1 of the 2 images of refcoco val are missing" in refused.err
    result = run(*words, "--partial", "--json")
    report = json.loads(result.out)
    assert result.code == 1 and [each["image"] for each in report["skipped"]] == ["3"]
    assert report["images"] == 1 and "1 image was skipped" in result.err


def _last(refs: list[dict[str, Any]]) -> int:
    return [ref["ref_id"] for ref in refs if ref["split"] == "val"][-1]


def test_what_is_made_and_found_as_text(run: Any, root: Path) -> None:
    checked = run("data", "check", "refcoco", "--root", root)
    lines = checked.out.splitlines()
    assert lines[0].split() == ["found", "part"]
    assert lines[-1].startswith(f"usable: val: {IMAGES} images, ")
    assert "splits: val, testA, testB, train (--split NAME)" in checked.err
    assert "rendered: scenes in the layout of refcoco" in checked.err
    assert run("data", "check", "refcoco", "--root", root, "-q").err == ""


@pytest.mark.parametrize(
    ("name", "missing", "advice"),
    [
        ("refs(unc).p", "refs(unc).p (or the Parquet files", "unpack the publishers' refcoco.zip"),
        ("instances.json", "instances.json: boxes and masks", "it lies in refcoco.zip beside"),
        ("train2014", "the photographs of COCO train2014", "unpack COCO's train2014.zip"),
    ],
)
def test_a_missing_file_is_named_with_what_to_do(
    run: Any, root: Path, name: str, missing: str, advice: str
) -> None:
    (root / name).rename(root.parent / f"away {name}")
    checked = run("data", "check", "refcoco", "--root", root)
    assert checked.code == 1
    [line] = [line for line in checked.out.splitlines() if line.startswith("missing: ")]
    assert missing in line and advice in line
    assert "\nnot usable: " in checked.out


def test_a_split_cut_short_says_what_would_be_left(run: Any, root: Path) -> None:
    checked = run("data", "check", "refcoco", "--root", unpublished(root), "--json")
    found = json.loads(checked.out)
    assert checked.code == 1 and not found["usable"]
    assert "not 3,811" in found["problem"]
    assert found["partial"].endswith(" of 3,811 refs")


def test_what_is_left_out_is_listed(run: Any, root: Path) -> None:
    def change(refs: Any) -> None:
        for ref in refs:
            ref["sentences"].append({"sent": " ", "sent_id": f"x{ref['ref_id']}"})

    change_refs(root, change)
    checked = run("data", "check", "refcoco", "--root", root)
    assert checked.code == 1
    assert checked.out.count("It is empty after stripping, so it names nothing.") == 5
    assert checked.out.splitlines()[-1].endswith("more")


def test_a_picture_that_cannot_be_opened_is_a_problem(run: Any, root: Path) -> None:
    for path in (root / "train2014").iterdir():
        path.write_bytes(b"no picture")
    checked = run("data", "check", "refcoco", "--root", root)
    assert checked.code == 1
    assert "not usable: Image 3 cannot be used: " in checked.out


def test_columns_can_be_mapped(run: Any, root: Path, tmp_path: Path) -> None:
    out = as_lmms(root, tmp_path / "lmms")
    words = ("data", "check", "refcoco", "--root", out)
    assert "has no column" not in run(*words).out
    assert "no column 'answer'. It has: " in run(*words, "--map", "answer=texts").out


def test_eval_takes_split_and_partial(run: Any, root: Path, tmp_path: Path) -> None:
    words = ("eval", "refcoco", "--root", root, "--model", "tiny-clip", "--method", "gem", "--json")
    whole = json.loads(run(*words, "--split", "testA", "-q").out)
    counts = whole["protocol"]["dataset"]["counts"]
    scores = whole["runs"][0]["scores"]
    assert scores["pointing"]["n"] == counts["sentences"] and whole["images"] == IMAGES
    unpublished(root)
    refused = run(*words, "-q")
    assert refused.code == 2 and "not 3,811" in json.loads(refused.out)["error"]["message"]
    result = run(*words, "--partial", "-q")
    assert "\npartial: " in f"\n{result.err}" and "of 3,811 refs\n" in result.err
    part = json.loads(result.out)
    part_of = part["protocol"]["dataset"]["partial"]
    assert part_of.endswith(" of 3,811 refs")
    assert {score["partial"] for score in part["runs"][0]["scores"].values()} == {part_of}
    shown = run(*words[:-1], "--partial", "-q", "-o", tmp_path / "out").out
    report = (tmp_path / "out" / "report.md").read_text("utf-8")
    count = len(part["runs"][0]["scores"])
    assert shown.count(f"(partial: {part_of})") == report.count(f"(partial: {part_of})") == count


def test_eval_writes_rows(run: Any, refused: Any, root: Path, tmp_path: Path) -> None:
    words = ["eval", "refcoco", "--root", root, "--model", "tiny-clip", "--method", "gem,clip"]
    result = run(*words, "--rows", tmp_path / "new" / "rows.jsonl", "--json", "--limit", 1)
    assert f"wrote {tmp_path / 'new' / 'rows.jsonl'}" in result.err
    rows = [json.loads(line) for line in (tmp_path / "new" / "rows.jsonl").open(encoding="utf-8")]
    runs = {each["label"]: each["scores"] for each in json.loads(result.out)["runs"]}
    assert len(rows) == sum(each["Acc@0.5"]["n"] for each in runs.values())
    for label, scores in runs.items():
        hits = [row["iou"] >= 0.5 for row in rows if row["method"] == label]
        assert scores["Acc@0.5"]["value"] == sum(hits) / len(hits)
    (tmp_path / "file").write_text("in the way")
    refused([*words, "--rows", tmp_path / "file" / "rows.jsonl"], "Cannot write")


def test_eval_decides_what_is_absent_by_a_threshold_of_another_split(
    run: Any, refused: Any, tmp_path: Path
) -> None:
    run("data", "make-tiny", "--like", "grefcoco", "--out", tmp_path / "s", "--images", 2)
    words = [
        "eval",
        "grefcoco",
        "--root",
        tmp_path / "s",
        "--model",
        "tiny-clip",
        "--method",
        "gem",
    ]
    file, out = tmp_path / "t.json", tmp_path / "out"
    chosen = run(*words, "--threshold-out", file)
    assert chosen.code == 0 and f"wrote {file}" in chosen.err
    assert "absent AUC" in chosen.out and "N_acc" not in chosen.out
    assert "threshold: none, so these scores are left out: " in chosen.err
    assert "--threshold FILE." in chosen.err
    other = [*words, "--split", "testA", "-o", out]
    without = run(*other, "--json", "-q")
    assert without.err == "" and "N_acc" not in json.loads(without.out)["runs"][0]["scores"]
    state = (out / "samples.jsonl").read_bytes()
    scores = json.loads(run(*other, "--threshold", file, "--json", "-q").out)["runs"][0]["scores"]
    assert {"GRES gIoU", "N_acc", "T_acc", "GREC F1=1", "absent accuracy"} < set(scores)
    assert (out / "samples.jsonl").read_bytes() == state  # a decision computes nothing anew
    assert "chosen_on: grefcoco val" in (out / "report.md").read_text("utf-8")
    refused([*words, "--threshold", file], "chosen on 'grefcoco val' and cannot be scored there")
    refused([*words, "--threshold", tmp_path / "none.json"], "Cannot read the thresholds")


def test_wrong_words_are_refused(refused: Any, tmp_path: Path) -> None:
    words = ["data", "check", "refcoco-m", "--root", "hf://me/refcoco-m"]
    refused(words, "are named hf://datasets/OWNER/NAME", "got 'hf://me/refcoco-m'")
    words = ["eval", "tiny-scenes", "--root", "hf://datasets/me/x", "--model", "tiny-clip"]
    refused(words, "tiny-scenes takes no root")
    refused(["data", "check", "refcoc"], "Unknown data set 'refcoc'", "'refcoco'")
    refused(["data", "check", "refcoco"], "is read from a folder: --root PATH")
    refused(
        ["data", "make-tiny", "--like", "poppe", "-o", tmp_path / "x"], "Unknown layout 'poppe'"
    )
    refused(["data", "check", "jsonl", "--root", tmp_path, "--map", "a"], "written NAME=COLUMN")


def test_rendered_scenes_need_no_folder(run: Any) -> None:
    checked = run("data", "check", "tiny-scenes")
    assert checked.code == 0 and "usable: tiny-scenes: 400 images" in checked.out


def test_maps() -> None:
    assert columns_of(["a=b, c=d", "e=f"]) == {"a": "b", "c": "d", "e": "f"}
    assert columns_of(None) == {}
    with pytest.raises(BadOptionError, match="names 'a' twice"):
        columns_of(["a=b,a=c"])
