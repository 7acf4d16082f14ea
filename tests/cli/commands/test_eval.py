"""``vlmscope eval``, and every way its input can be wrong."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from dual_families import vit
from forks import Spawned
from panoptic_folder import PanopticFolder, small_folder
from strikes import until
from vlmscope.cli.loading import Loading

ROWS = {"cat": [0], "bus": ["bus", "coach"], "zebra": [3]}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random ViT classifier, as save_pretrained writes it."""
    folder = tmp_path_factory.mktemp("vit")
    model = vit()
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> PanopticFolder:
    return small_folder(tmp_path / "data")


@pytest.fixture
def call(folder: PanopticFolder, classifier: Path, tmp_path: Path) -> list[Any]:
    """A command line that works."""
    words = tmp_path / "words.json"
    words.write_text(json.dumps(ROWS))
    root = folder.write()
    return ["eval", "coco-panoptic", "--root", root, "--words", words, "-m", classifier]


def test_scores_go_to_stdout_and_the_report_into_the_folder(
    run: Any, call: list[Any], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "report"
    result = run(*call, "--method", "gem,clip", "-o", out)
    assert result.code == 0, result.err
    first, *rows = result.out.splitlines()
    assert first.split()[:3] == ["run", "pointing", "chance"]
    assert [row.split()[0] for row in rows] == ["gem", "clip"]
    assert "5/5" in result.err
    assert f"wrote {out / 'report.md'}" in result.err
    record = json.loads((out / "report.json").read_text())
    value = record["runs"][0]["scores"]["pointing"]["value"]
    assert f"{value:.3f} [" in rows[0]
    assert sorted(path.name for path in out.iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
        "samples.jsonl",
    ]
    # what is finished is read back, and compared
    words = ("--method", "gem,clip", "-o", out, "--ratio-to", "clip", "--halves")
    result = run(*call, *words)
    assert result.code == 0 and "5 done before" in result.err
    lines = result.out.splitlines()
    place = lines.index("Compared with clip:")
    assert lines[place + 1].split()[:2] == ["run", "score"]
    compared = json.loads((out / "report.json").read_text())["comparisons"]
    ratio = next(each["ratio"] for each in compared["runs"] if each["metric"] == "presence AUC")
    assert any(f"{ratio['value']:.3f} [" in line for line in lines[place + 2 :])
    assert any(line.startswith("Chosen on one half") for line in lines)
    assert "Compared with clip" in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--ratio-to", "clp"], "clip"),
        (["--halves"], "--ratio-to RUN"),
        (["--ratio-to", "gem@wide+sam:vote"], "Unknown run 'gem@wide+sam:vote'"),
    ],
)
def test_what_cannot_be_compared_is_said_before_a_model_is_loaded(
    refused: Any, call: list[Any], extra: list[str], message: str
) -> None:
    refused([*call[:-1], "nowhere/at-all", "--method", "gem,clip", *extra], message)


def test_json_is_the_report(run: Any, call: list[Any], tmp_path: Path) -> None:
    result = run(*call, "--method", "clip", "--json", "-q", "-o", tmp_path / "out")
    assert result.err == ""
    assert json.loads(result.out) == json.loads((tmp_path / "out" / "report.json").read_text())


def test_options_reach_their_run_alone(run: Any, call: list[Any]) -> None:
    words = [*call, "--method", "gem,gem@flat", "--method", "maskclip", "--json", "-q"]
    words += ["--options", "gem@flat.iterations=0,gem@flat.keep-ratio=yes", "--side", 48]
    result = run(*words, "--options", "gem.side=32")
    assert result.code == 0, result.err
    runs = {each["label"]: each["setting"] for each in json.loads(result.out)["runs"]}
    assert runs["gem"]["resize"] == "squashed to 32x32"
    assert runs["gem@flat"]["resize"].startswith("shorter side to 48 pixels")
    assert runs["maskclip"]["resize"] == "squashed to 48x48"
    assert (runs["gem"]["options"]["iterations"], runs["gem@flat"]["options"]["iterations"]) == (
        1,
        0,
    )


def test_without_a_method_all_run_that_can(run: Any, call: list[Any]) -> None:
    result = run(*call, "--limit", 1, "--json", "-q", "--task", "pointing")
    record = json.loads(result.out)
    labels = [each["label"] for each in record["runs"]]
    assert {"gem", "clip", "naclip"} < set(labels)
    assert record["images"] == 1
    assert list(record["protocol"]["tasks"]) == ["pointing"]


def test_skipped_images_are_said_and_make_the_code_1(
    run: Any, call: list[Any], folder: PanopticFolder, tmp_path: Path
) -> None:
    folder.png(9).write_text("no picture")
    out = tmp_path / "out"
    result = run(*call, "--method", "clip", "-q", "-o", out)
    assert result.code == 1
    assert "1 image was skipped:" in result.err
    assert "9: The panoptic picture" in result.err
    assert len(json.loads((out / "report.json").read_text())["skipped"]) == 1


def test_rows_of_every_kind_of_fault_are_skipped_and_counted(
    run: Any, call: list[Any], folder: PanopticFolder, tmp_path: Path
) -> None:
    folder.image(9).write_bytes(folder.image(9).read_bytes()[:60])
    folder.image(12).unlink()
    folder.content["annotations"][3]["segments_info"][0]["category_id"] = 4711
    folder.content["annotations"].append(folder.content["annotations"][0])
    folder.write()
    result = run(*call, "--method", "clip", "--json")
    assert result.code == 1, result.err
    report = json.loads(result.out)
    assert report["images"] == 2
    reasons = {each["image"]: each["reason"] for each in report["skipped"]}
    assert len(reasons) == len(report["skipped"])
    expected = {"7": "counts once", "9": "9.png", "12": "no image file", "13": "[4711]"}
    assert reasons.keys() == expected.keys()
    for image, words in expected.items():
        assert words in reasons[image]
        assert f"{image}: {reasons[image]}" in result.err
    assert "4 images were skipped:" in result.err


def test_rendered_scenes_need_no_folder(run: Any, tmp_path: Path) -> None:
    from dual_families import clip

    model = clip()
    model.hf.save_pretrained(tmp_path / "clip")
    model.processor.save_pretrained(tmp_path / "clip")
    words = ["eval", "tiny-scenes", "-m", tmp_path / "clip", "--method", "gem", "--limit", 2]
    result = run(*words)
    assert result.code == 0, result.err
    assert "RES mIoU" in result.out
    assert "Not saved; --out DIR" in result.err


# what can be wrong is said before a model is loaded


def test_unknown_names(refused: Any, call: list[Any]) -> None:
    refused(["eval", "coco-panoptics"], "data set 'coco-panoptics'", "'coco-panoptic'")
    refused([*call, "--method", "gemm"], "method 'gemm'", "'gem'")
    refused([*call, "--method", "gem", "--options", "gem.depht=6"], "'depht'", "'depth'")
    refused([*call, "--method", "gem", "--options", "clip.side=6"], "method with options 'clip'")
    refused([*call, "--method", "gem", "--templates", "imagnet"], "'imagnet'", "'imagenet'")
    refused([*call[:-1], "tiny-clop"], "model 'tiny-clop'")
    refused([*call, "--task", "pontig", "--method", "gem"], "task 'pontig'", "'pointing'")


def test_bad_values(refused: Any, call: list[Any]) -> None:
    refused([*call, "--method", "gem", "--options", "gem.depth"], "METHOD.OPTION=VALUE")
    refused([*call, "--method", "gem", "--options", "gem.depth=x"], "a whole number, got 'x'")
    refused([*call, "--method", "gem,gem"], "named twice")
    refused([*call, "--method", "gem", "--limit", 0], "limit must be at least 1, got 0")
    refused([*call, "--method", "localization-heads"], "does not run on")


def test_bad_folders_and_words(refused: Any, call: list[Any], tmp_path: Path) -> None:
    refused(["eval", "coco-panoptic"], "--root PATH")
    refused(["eval", "coco-panoptic", "--root", tmp_path / "none"], "There is no folder")
    refused(["eval", "coco-panoptic", "--root", tmp_path], "panoptic.json")
    refused(["eval", "tiny-scenes", "--root", tmp_path], "takes no root")
    refused([*call, "--words", tmp_path / "none.json"], "word list", "none.json")
    (tmp_path / "words.json").write_text('{"cart": ["cart"]}')
    refused([*call, "--method", "gem"], "category 'cart'", "'cat'")
    (tmp_path / "words.json").write_text('{"cat": [6]}')
    refused([*call, "--method", "gem"], "row 6", "6 rows")


def test_a_folder_without_a_usable_image_is_refused_before_a_model_loads(
    refused: Any, call: list[Any], folder: PanopticFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loading, "model", lambda *_: pytest.fail("a model was loaded"))
    for number in (7, 9, 12, 13, 21):
        folder.png(number).unlink()
    refused(
        [*call, "--method", "gem"], "None of the 5 images", "The first: 7: There is no panoptic"
    )


def test_a_place_that_cannot_be_written_is_found_before_the_model_is_loaded(
    refused: Any, call: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loading, "model", lambda *_: pytest.fail("too late"))
    (tmp_path / "file").write_text("in the way")
    refused([*call, "--method", "gem", "-o", tmp_path / "file"], "Cannot write")
    refused([*call, "--method", "gem", "-o", tmp_path / "file" / "deep"], "Cannot write")


def test_a_foreign_state_is_not_written_over(refused: Any, call: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "samples.jsonl").write_text("my notes\n")
    refused([*call, "--method", "gem", "-o", out], "not a state file")
    assert (out / "samples.jsonl").read_text() == "my notes\n"


# killed in the middle


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(run: Any, classifier: Path, tmp_path: Path) -> None:
    """SIGKILL, as when memory runs out: what is finished stays, nothing is computed twice."""
    folder = PanopticFolder(tmp_path / "many")
    for number in range(1, 81):
        folder.add(number, [(number, 6, (0, 0, 30, 30))])
    words = tmp_path / "words.json"
    words.write_text(json.dumps({"bus": ["bus"]}))
    out = tmp_path / "out"
    call = ["eval", "coco-panoptic", "--root", folder.write(), "--words", words, "-m", classifier]
    call += ["--method", "gem", "-o", out, "--json", "--quiet"]
    state = out / "samples.jsonl"
    process = Spawned([str(word) for word in call], tmp_path / "process")
    until(process, lambda: state.exists() and state.read_bytes().count(b"\n") >= 4)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    finished = [line for line in state.read_text().splitlines(keepends=True) if line[-1] == "\n"]
    assert 4 <= len(finished) < 81
    assert not (out / "report.json").exists()
    result = run(*call)
    assert result.code == 0, result.err
    lines = state.read_text().splitlines(keepends=True)
    assert lines[: len(finished)] == finished
    assert len(lines) == 81  # a header and eighty images, each once
    assert json.loads(result.out)["images"] == 80


def test_an_interruption_says_how_to_go_on(
    run: Any, call: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vlmscope.evaluation.runner.evaluate", interrupted)
    saved = run(*call, "-o", tmp_path / "report")
    assert saved.code == 130
    assert (
        f"kept in {tmp_path / 'report' / 'samples.jsonl'}. The same command goes on." in saved.err
    )
    unsaved = run(*call)
    assert unsaved.code == 130
    assert "kept" not in unsaved.err


def test_a_classifier_without_a_word_list_is_told_to_give_one(run: Any, call: list[Any]) -> None:
    at = call.index("--words")
    result = run(*call[:at], *call[at + 2 :], "-q")
    assert result.code == 2
    assert "Unknown label" in result.err
    assert "--words FILE" in result.err
