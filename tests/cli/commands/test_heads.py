"""``vlmscope heads``: discover, verify, show, and every way their input can be wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlmscope.heads import published_names
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadFrequency, HeadSet

ROWS = 6


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A list of six pictures with a red square each, its box, and three rows that are bad."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = []
    rng = np.random.default_rng(0)
    for index in range(ROWS):
        pixels = rng.integers(0, 90, (56, 56, 3)).astype(np.uint8)
        x, y = rng.integers(0, 28, 2).tolist()
        pixels[y : y + 28, x : x + 28] = (220, 30, 30)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        row = {"image": f"{index}.png", "phrase": "the red square", "box": [x, y, x + 28, y + 28]}
        lines.append(json.dumps(row))
    path = folder / "samples.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def spoil(samples: Path) -> None:
    bad = ["{", '{"image": "none.png", "phrase": "a dog"}', '{"image": "0.png", "phrase": ""}']
    samples.write_text(samples.read_text() + "\n".join(bad) + "\n")


# discover


def test_discover_writes_a_set_that_ground_takes(
    run: Any, checkpoint: Path, samples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "heads.json"
    result = run("heads", "discover", checkpoint, "--samples", samples, "-o", out, "--k", 2)
    assert result.code == 0, result.err
    heads = HeadSet.load(out)
    assert len(heads.heads) == 2
    assert heads.samples == ROWS
    assert heads.options["k"] == 2
    assert f"wrote {out}" in result.err
    for head in heads.heads:
        assert str(head) in result.out
    photo = samples.parent / "0.png"
    used = run("ground", photo, "the red square", "-m", checkpoint, "--heads", out, "--json")
    details = json.loads(used.out)["groundings"][0]["details"]
    assert details["heads"] == [str(head) for head in heads.heads]


def test_the_model_may_be_an_option_and_the_result_json(
    run: Any, checkpoint: Path, samples: Path
) -> None:
    words = ["heads", "discover", "--model", checkpoint, "--samples", samples.parent, "--json"]
    result = run(*words, "--quiet")
    assert result.code == 0
    assert result.err == ""
    assert HeadSet.from_dict(json.loads(result.out)).model == str(checkpoint)


def test_progress_goes_to_stderr(run: Any, checkpoint: Path, samples: Path) -> None:
    result = run("heads", "discover", checkpoint, "--samples", samples)
    assert f"{ROWS}/{ROWS}" in result.err
    assert f"{ROWS}/{ROWS}" not in result.out


def test_bad_rows_are_skipped_said_and_counted(
    run: Any, checkpoint: Path, samples: Path, tmp_path: Path
) -> None:
    spoil(samples)
    out = tmp_path / "heads.json"
    result = run("heads", "discover", checkpoint, "--samples", samples, "-o", out, "-q")
    assert result.code == 1
    assert HeadSet.load(out).samples == ROWS
    assert "3 rows were skipped:" in result.err
    assert f"line {ROWS + 1}: It is not JSON" in result.err
    assert f"line {ROWS + 2}: There is no image file" in result.err
    assert f"line {ROWS + 3}: The field 'phrase'" in result.err


def test_a_phrase_too_long_for_the_model_is_one_more_bad_row(
    run: Any, checkpoint: Path, samples: Path
) -> None:
    row = {"image": "0.png", "phrase": "dog " * 5000}
    samples.write_text(samples.read_text() + json.dumps(row) + "\n")
    result = run("heads", "discover", checkpoint, "--samples", samples, "-q")
    assert result.code == 1
    assert "1 row was skipped:" in result.err
    assert "Shorten the phrase" in result.err


def test_no_usable_row_fails(refused: Any, checkpoint: Path, samples: Path, tmp_path: Path) -> None:
    samples.write_text("{\n[]\n")
    out = tmp_path / "heads.json"
    words = ["heads", "discover", checkpoint, "--samples", samples, "-o", out, "-q"]
    refused(words, "None of the 2 rows", "Line 1: It is not JSON")
    samples.write_text("")
    refused(words, "is empty")


def test_a_run_goes_on_where_it_stopped(
    run: Any, refused: Any, checkpoint: Path, samples: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    words = ["heads", "discover", checkpoint, "--samples", samples, "-q", "--json"]
    plain = json.loads(run(*words).out)
    first = json.loads(run(*words, "--resume", state).out)
    size = state.stat().st_size
    again = json.loads(run(*words, "--resume", state).out)
    assert state.stat().st_size == size
    assert plain["heads"] == first["heads"] == again["heads"]
    refused([*words, "--resume", state, "--rows", "last_input"], "state file", "rows")
    refused([*words, "--resume", samples], "state file")


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (["--samples", "none.jsonl"], ["none.jsonl", "tiny-scenes:N"]),
        (["--samples", "tiny-scenes:0"], ["N from 1"]),
        (["--k", "0"], ["k", "0"]),
        (["--criterion", "sums"], ["'sum'"]),
        (["--skip-layers", "9"], ["skip_layers", "4 layers"]),
        (["--rows", "lastt_text"], ["'last_text'"]),
        (["--model", "another/model"], ["Two models"]),
    ],
)
def test_bad_options_of_discovery(
    refused: Any, checkpoint: Path, samples: Path, change: list[str], messages: list[str]
) -> None:
    words = ["heads", "discover", checkpoint, "-q", "--samples", samples]
    refused([*words, *change], *messages)


def test_a_model_that_needs_samples(refused: Any, checkpoint: Path) -> None:
    refused(["heads", "discover", checkpoint], "needs images with phrases", "--samples")


# verify


def test_verify_adds_evidence(run: Any, checkpoint: Path, samples: Path, tmp_path: Path) -> None:
    heads, out = tmp_path / "heads.json", tmp_path / "verified.json"
    HeadSet(heads=(Head(2, 1), Head(3, 2)), model=str(checkpoint)).save(heads)
    result = run("heads", "verify", heads, "--samples", samples, "-o", out, "-q")
    verified = HeadSet.load(out)
    assert verified.evidence is not None
    assert verified.evidence.samples == ROWS
    assert result.code == (0 if verified.evidence.better_than_chance else 1)
    assert f"On {ROWS} samples, with" in result.out  # found by nobody knows what
    assert "L2H1" in result.out
    shown = run("heads", "show", out)
    assert shown.out == result.out


def test_verify_takes_bare_heads(run: Any, checkpoint: Path, samples: Path) -> None:
    words = ["heads", "verify", "L2H1", "-m", checkpoint, "--samples", samples, "-q", "--json"]
    record = json.loads(run(*words).out)
    assert record["heads"] == [[2, 1]]
    assert record["evidence"]["samples"] == ROWS


def test_verification_refuses_the_samples_of_discovery(
    run: Any, refused: Any, checkpoint: Path, samples: Path, tmp_path: Path
) -> None:
    heads = tmp_path / "heads.json"
    run("heads", "discover", checkpoint, "--samples", samples, "-o", heads, "-q")
    refused(["heads", "verify", heads, "--samples", samples, "-q"], "discovered on this very")


def test_verification_needs_boxes(refused: Any, checkpoint: Path, samples: Path) -> None:
    samples.write_text('{"image": "0.png", "phrase": "the red square"}\n')
    refused(["heads", "verify", "L2H1", "-m", checkpoint, "--samples", samples, "-q"], "box")


def test_verify_skips_bad_rows(run: Any, checkpoint: Path, samples: Path) -> None:
    spoil(samples)
    result = run("heads", "verify", "L2H1", "-m", checkpoint, "--samples", samples, "-q")
    assert result.code == 1
    assert "3 rows were skipped:" in result.err


# show


def test_show_a_published_set(run: Any) -> None:
    for name in published_names():
        result = run("heads", "show", name)
        assert result.code == 0
        assert "unverified" in result.out
        assert json.loads(run("heads", "show", name, "--json").out)["heads"]


def test_show_refuses_what_is_no_head_file(refused: Any, tmp_path: Path, photo: Path) -> None:
    refused(["heads", "show", tmp_path / "none.json"], "none.json", "heads discover")
    refused(["heads", "show", photo], "Cannot read the head file", "UTF-8")
    refused(["heads", "show", "L1H1"], "nothing to show", "heads verify")
    refused(["heads", "show", "llava-1.5"], "published sets", "llava-1.5-7b")


def test_nothing_is_written_where_nothing_can_be(
    refused: Any, checkpoint: Path, samples: Path
) -> None:
    words = ["heads", "discover", checkpoint, "--samples", samples, "-q"]
    refused([*words, "-o", "/proc/none/heads.json"], "Cannot write /proc/none/heads.json")


def test_copies_of_a_model_are_told_apart(
    run: Any, checkpoint: Path, samples: Path, tmp_path: Path
) -> None:
    heads = tmp_path / "heads.json"
    run("heads", "discover", checkpoint, "--samples", samples, "-o", heads, "-q")
    copy = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    photo = samples.parent / "0.png"
    result = run("ground", photo, "the red square", "-m", copy, "--heads", heads)
    assert result.code == 0
    assert f"warning: These heads were made for {checkpoint}" in result.err


def test_what_discovery_did_not_see_is_said_of_discovered_heads_alone(
    run: Any, checkpoint: Path, samples: Path, tmp_path: Path
) -> None:
    path = tmp_path / "heads.json"
    heads = HeadSet(heads=(Head(2, 1),), model=str(checkpoint), source="discovered")
    heads.save(path)
    result = run("heads", "verify", path, "--samples", samples, "-q")
    assert f"On {ROWS} samples that discovery did not see, with" in result.out


def test_every_head_of_a_large_set_is_listed(run: Any, tmp_path: Path) -> None:
    heads = tuple(Head(2, number) for number in range(12))
    rows = tuple(HeadFrequency(each, Interval(0.5, 0.4, 0.6), 0.9, 0.1) for each in heads)
    path = tmp_path / "heads.json"
    HeadSet(heads=heads, model="m", source="discovered", frequencies=rows).save(path)
    shown = run("heads", "show", path).out
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("*")] == [
        str(each) for each in heads
    ]


@pytest.mark.parametrize("command", ["show", "verify"])
def test_the_help_writes_arguments_in_capitals(run: Any, command: str) -> None:
    text = run("heads", command, "--help").out
    assert "HEADS" in text and "heads <str>" not in text


def test_some_other_json_is_no_head_file(refused: Any, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"page": "index.html"}')
    refused(["heads", "show", path], "is no head file", "vlmscope heads discover")
