"""Every benchmark still runs, at its smallest size, and prints figures that mean something.

What it says about speed there is worth nothing and is not looked at; that both ways give the same is.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chromium import needs_browser
from scripts import run_script
from warm import Warm

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@dataclass(frozen=True)
class Run:
    """One benchmark with its variants.

    Attributes:
        script: name of the file.
        words: its options.
        names: figures that it must print, all of them.
        difference: the figure that says how far both ways are apart, and the most that it may be.
        alone: in a process of its own, as somebody calls it; what it starts itself as well.
        in_browser: skipped where there is none.
    """

    script: str
    words: tuple[str, ...]
    names: frozenset[str]
    difference: tuple[str, float]
    alone: bool = False
    in_browser: bool = False


LOCALIZATION = frozenset(
    [
        "largest_difference_of_rows",
        "plain_seconds",
        "vision_share_of_plain",
        "one_phrase",
        "eight_phrases",
        "one_phrase_over_truncated",
        "without_early_stop",
        "peak_memory_one_phrase",
        "peak_memory_eight_phrases",
        "plain_peak_mib",
    ]
)
APP = frozenset(
    [
        *(
            f"{job}_{clock}_ms{end}"
            for job in ("own_pass", "phrase", "answer")
            for clock in ("busy", "wall")
            for end in ("", "_p95")
        ),
        "answer_kilobytes",
        "largest_difference",
        "growth_mib",
    ]
)
DAAM = frozenset(
    [
        "plain_seconds",
        "looking_over_plain",
        "script_over_plain",
        "picture_difference",
        "map_difference",
    ]
)
_PAIRS = ("right picture", "share", "peak on it", "no box in the other", "no box at all")
_CLIPS = ("right frame", "peak on it", "no box in the others")
SEVERAL_COLUMNS = {
    **{
        f"{method}, in picture {number}": _PAIRS
        for method in ("localization-heads", "mean-attention", "relative-attention")
        for number in (1, 2)
    },
    **{
        f"moving, frame {number}": ("peak on it", "peak on it, alone", "share")
        for number in (1, 2, 3)
    },
    "appearing": _CLIPS,
    **{f"appearing in frame {number}": _CLIPS for number in (1, 2, 3)},
}
SEVERAL = frozenset(
    [
        "largest_difference_from_one",
        *(f"{name}: n" for name in SEVERAL_COLUMNS),
        *(
            f"{name}: {column}{end}"
            for name, columns in SEVERAL_COLUMNS.items()
            for column in columns
            for end in ("", ", low", ", high")
        ),
    ]
)
FEEL_TARGETS = (
    "hover_ms_p95",
    "hover_synthetic_ms_p95",
    "frame_synthetic_busy_ms_p95",
    "phrase_ms_p95",
    "interactive_ms_p95",
    "growth_kib",
    "growth_nodes",
    "growth_listeners",
)
FEEL = frozenset(
    [
        *(
            f"{name}_ms{end}"
            for name in (
                "hover",
                "hover_synthetic",
                "frame_synthetic",
                "phrase",
                "phrase_server",
                "interactive",
            )
            for end in ("", "_p95")
        ),
        "frame_synthetic_busy_ms",
        "frame_synthetic_busy_ms_p95",
        "own_pass_ms",
        "growth_kib",
        "growth_nodes",
        "growth_listeners",
        *(f"{name}_target" for name in FEEL_TARGETS),
        "errors",
        "load_before",
        "load_after",
    ]
)
GROWTH = frozenset({"peak_mib_400_tokens_plain", "peak_mib_400_tokens_vlmscope"})
LIGHTEN = frozenset(
    [
        "positions",
        "dropped",
        "clean_seconds",
        "floor",
        "ratio",
        "over_floor",
        "cache",
        "largest_difference",
    ]
)
GEM = frozenset(
    [
        "threads",
        "largest_difference",
        "plain_seconds",
        "batch_1",
        "batch_8_per_image",
        "gigaflops_of_products",
        "share_of_rate_batch_1",
        "share_of_rate_batch_8",
        "plain_peak_mib",
        "peak_memory",
    ]
)
BFLOAT16 = frozenset(
    [
        "bfloat16_native",
        "bfloat16_batch_1",
        "bfloat16_batch_8_per_image",
        "bfloat16_correlation",
        "bfloat16_largest_difference",
    ]
)
DENSE_METHODS = (
    "gem",
    "clip-surgery",
    "maskclip",
    "clearclip",
    "sclip",
    "naclip",
    "self-proxy",
    "sc-clip",
    "resclip",
    "cls-attention",
    "clip",
)
DENSE = frozenset(
    [
        "largest_difference_of_methods",
        *(
            f"{method}_{figure}"
            for method in DENSE_METHODS
            for figure in (
                "changes_blocks",
                "seconds",
                "gigaoperations",
                "over_bare",
                "over_plain",
                "over_counted",
            )
        ),
        "methods",
        "methods_together",
        "windows",
        "windows_batched",
        "largest_difference_of_windows",
        "texts",
        "texts_first_seconds",
        "texts_again_seconds",
        "largest_difference_of_texts",
    ]
)
KNOCKOUT = frozenset(
    [
        "system",
        "image",
        "query",
        "generated",
        "ratio",
        "sweep_seconds",
        "plain_pass_seconds",
        "largest_difference",
        "largest_effect",
    ]
)
INSTANCE_MEASURES = [
    *(
        f"{measure}{end}"
        for measure in ("count_error", "exact_count", "f1")
        for end in ("", "_low", "_high")
    ),
    *(f"f1_of_{count}" for count in (1, 2, 3, 4)),
]
INSTANCE_FIGURES = frozenset(
    f"{model}_{way}_{measure}"
    for model in ("tiny-llava", "tiny-clip")
    for way in ("first", "heights", "components", "basins")
    for measure in INSTANCE_MEASURES
)
INSTANCE_SETTINGS = frozenset(
    f"{model}_{setting}"
    for model in ("tiny-llava", "tiny-clip")
    for setting in ("heights_further", "heights_rim", "components_further", "basins_further")
)

PICTURES = frozenset(
    [
        "pictures",
        "bare_seconds_per_picture",
        "over_bare_loop",
        "largest_difference",
        "growth_kib",
    ]
)

IMAGE_TOKENS = frozenset(
    [
        "images",
        "sentences",
        "image_tokens_once",
        "image_tokens_over_once",
        "text_tokens_per_sentence",
        "localization-heads_over_once",
        "mean-attention_over_once",
        "attend-minus-mean_over_once",
        "relative-attention_over_once",
    ]
)

FAITHFULNESS = frozenset(
    [
        "steps",
        "regions",
        "positions",
        *(
            f"{figure}{form}"
            for form in ("tokens", "pixels")
            for figure in (
                "",
                "plain_pass_seconds_",
                "largest_difference_of_",
                "largest_effect_of_",
            )
        ),
    ]
)

SAM = frozenset(
    [
        "masks",
        "passes_once",
        "passes_each",
        "once_seconds",
        "each_seconds",
        "once_over_each",
        "largest_difference",
    ]
)

DISCOVERY = frozenset(
    [
        "samples",
        "batch",
        "passes_one_by_one",
        "passes_side_by_side",
        "same_heads",
        "largest_difference",
        "speedup",
        "speedup_of_processor",
        "speedup_of_bare_forward",
        "bare_forward_share",
        "boxes_that_differ",
        "largest_difference_of_scores",
    ]
)

LABELS = frozenset(
    [
        "label_over_engine",
        "decoding_over_engine",
        "label_over_engine_and_decoding",
        "orchestration",
        "orchestration_of_thread",
        "orchestration_of_processor",
        "peak_mib_200_rows",
        "peak_mib_400_rows",
        "growth_bytes_a_row",
        "workers_2_of_ideal",
        "job_milliseconds",
        "saturates_at_workers",
        "worker_milliseconds",
        "rows",
        "boxes_that_differ",
        "largest_difference_of_scores",
    ]
)
HALLUCINATION = frozenset(
    f"{kind}_{figure}"
    for kind in ("pope", "chair")
    for figure in (
        "mentions",
        "whole_seconds",
        "shared_seconds",
        "ratio",
        "largest_difference",
    )
)

RUNS = [
    Run(
        "localization.py",
        ("--growth",),
        LOCALIZATION | GROWTH,
        ("largest_difference_of_rows", 1e-5),
    ),
    Run(
        "gem.py",
        ("--bfloat16", "--all"),
        GEM | BFLOAT16 | DENSE,
        ("largest_difference", 1e-5),
    ),
    Run("hallucination.py", (), HALLUCINATION, ("pope_largest_difference", 1e-4)),
    Run("lighten.py", (), LIGHTEN, ("largest_difference", 1e-4)),
    Run(
        "knockout.py",
        ("--ask", "--windows", "4", "--plain", "1"),
        KNOCKOUT,
        ("largest_difference", 1e-6),
    ),
    Run(
        "knockout.py",
        ("--dtype", "bfloat16", "--windows", "4", "--plain", "2"),
        KNOCKOUT,
        ("largest_difference", 0.1),
    ),
    Run("app.py", (), APP, ("largest_difference", 1e-4)),
    Run("feel.py", (), FEEL, ("errors", 0), in_browser=True),
    # the other form's difference is held to the same bound
    Run(
        "faithfulness.py",
        ("--steps", "4", "--plain", "2"),
        FAITHFULNESS,
        ("largest_difference_of_tokens", 1e-5),
    ),
    Run("sam.py", (), SAM, ("largest_difference", 0)),
    Run("daam.py", (), DAAM, ("map_difference", 1e-5)),
    Run("discovery.py", (), DISCOVERY, ("largest_difference", 1e-5)),
    # without two processes that load a model, which say nothing but the time here
    Run(
        "labels.py",
        ("--only", "over,sleep,memory,many,boxes"),
        LABELS,
        ("largest_difference_of_scores", 1e-5),
    ),
    Run("pictures.py", (), PICTURES, ("largest_difference", 0), alone=True),
    # two beginnings of the prompt: the paper's, and the chat template's of relative attention
    Run("image_tokens.py", (), IMAGE_TOKENS, ("image_tokens_over_once", 2.0)),
    Run("several.py", (), SEVERAL, ("largest_difference_from_one", 1e-9)),
    Run(
        "instances.py",
        ("--singular",),
        INSTANCE_FIGURES | INSTANCE_SETTINGS | {"largest_difference_of_first"},
        ("largest_difference_of_first", 0.0),
    ),
]
MAY_BE_ZERO = {
    "map_difference",
    "picture_difference",
    "boxes_that_differ",
    "largest_difference_of_scores",
    "largest_difference",
    "largest_difference_of_rows",
    "largest_difference_of_tokens",
    "largest_difference_of_pixels",
    "growth_kib",
    "growth_mib",
    "growth_nodes",
    "growth_listeners",
    "load_before",
    "load_after",
    "errors",
    "growth_bytes_a_row",
    "peak_mib_200_rows",
    "peak_mib_400_rows",
    "largest_difference_of_texts",
    "bfloat16_native",  # whether this processor has it
    "largest_difference_of_first",
    *INSTANCE_FIGURES,  # of eight scenes
    *SEVERAL,  # of three clips and two pairs
}


Printed = Callable[..., str]


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with Warm() as processes:
        yield processes


@pytest.fixture
def printed(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What a benchmark writes to stdout, at its smallest size, in this process."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(importlib.import_module("measure"), "in_fresh_process", warm.whole_number)

    def called(script: str, *words: str) -> str:
        ended = run_script(BENCHMARKS / script, "--smallest", "--repeats", "1", *words)
        assert ended.code == 0, ended.err
        return ended.out

    return called


def printed_alone(script: str, *words: str) -> str:
    """The same from a process of its own."""
    command = [sys.executable, str(BENCHMARKS / script), "--smallest", "--repeats", "1", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("run", RUNS, ids=lambda run: " ".join((run.script, *run.words[:2])))
def test_runs_at_its_smallest_size(run: Run, printed: Printed) -> None:
    if run.in_browser:
        needs_browser()
    call = printed_alone if run.alone else printed
    figures = json.loads(call(run.script, "--json", *run.words))
    assert set(figures) == run.names
    name, most = run.difference
    for each in {name} | {each for each in figures if each.startswith("largest_difference_of_")}:
        assert figures[each] <= most, each
    for name, value in figures.items():
        assert math.isfinite(value), name
        assert value > 0 or (value == 0 and name in MAY_BE_ZERO), name


def test_sam_embeds_an_image_once_for_all_runs_and_prompts(printed: Printed) -> None:
    figures = json.loads(printed("sam.py", "--json", "--sentences", "2"))
    assert (figures["passes_once"], figures["passes_each"]) == (1, 8)
    assert figures["masks"] == 16  # two runs, four prompts, two sentences


def test_a_picture_that_is_looked_at_is_the_same_picture(printed: Printed) -> None:
    assert json.loads(printed("daam.py", "--json"))["picture_difference"] == 0


def test_the_table_has_a_name_and_a_figure_in_every_line(printed: Printed) -> None:
    lines = printed("knockout.py", "--windows", "2").splitlines()
    assert {line.split()[0] for line in lines} == KNOCKOUT
    assert all(math.isfinite(float(line.split()[1])) for line in lines)


def test_no_benchmark_is_left_out() -> None:
    scripts = {
        path.name for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text("utf-8")
    }
    assert scripts == {run.script for run in RUNS}
