"""Commands killed at random leave whole files, and end as if nothing had happened.

The long test kills a hundred times, at random moments and file operations of five commands, and ends
files at random bytes besides; the others twice for each command. KILLS_SEED chooses where.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from forks import Forks, Spawned
from kills import Job, Tally, Trial, Undisturbed, draw, undisturbed
from strikes import Byte, Strike, until
from vlmscope.data.datasets import open_dataset

SEED = os.environ.get("KILLS_SEED", "1")
PLAN = {"moment": 10, "change": 4, "step": 6, "byte": 6}
"""How often each command is struck by each kind; all but the last are kills, a hundred in all."""

MakeTrial = Callable[[str], Trial]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """The commands, with the fewest rows that still are several."""
    pictures = tmp_path_factory.mktemp("pictures")
    scenes = open_dataset("tiny-scenes", None, None)
    for image_id in list(scenes.image_ids)[:3]:
        Image.fromarray(scenes.load(image_id).image.pixels).save(pictures / f"{image_id}.png")
    one = str(min(pictures.iterdir()))
    classes = "square,circle,triangle"
    made = (
        Job(
            "heads discover",
            _words("heads discover --samples tiny-scenes:4 -o heads.json --resume state.jsonl"),
            log="state.jsonl",
        ),
        Job(
            "segment",
            (*_words("segment -c"), classes, str(pictures), *_words("-o . --format png,coco,yolo")),
            pieces="records/*.json",
            of_piece=("masks/*.png", "overlays/*.png", "labels/*.txt"),
        ),
        Job(
            "eval",
            _words("eval tiny-scenes --method gem,clip --limit 3 -o report"),
            log="report/samples.jsonl",
            lines=2,
        ),
        Job(
            "knockout",
            (
                *_words("knockout --samples tiny-scenes:3 --width 4 -o k.json --parquet k.parquet"),
                *_words("--resume state.jsonl --html k.html"),
            ),
            log="state.jsonl",
        ),
        Job(
            "tokens",
            (
                *("tokens", one, "--answer", "a red square"),
                *_words("-o t.json --html t.html --parquet t.parquet --picture t.png"),
            ),
        ),
    )
    return {job.name: job for job in made}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = ("heads discover", "segment", "eval", "knockout", "tokens")


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as server:
        yield server


@pytest.fixture(scope="module")
def wholes(
    forks: Forks, jobs: dict[str, Job], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Undisturbed]:
    """Undisturbed runs."""
    return {
        name: undisturbed(forks, job, tmp_path_factory.mktemp("whole"))
        for name, job in jobs.items()
    }


@pytest.fixture
def trial(wholes: dict[str, Undisturbed], jobs: dict[str, Job], tmp_path: Path) -> MakeTrial:
    """Makes a trial of a command in an empty folder."""
    numbers = itertools.count()

    def made(name: str) -> Trial:
        return Trial(jobs[name], wholes[name], tmp_path / f"{next(numbers):03d}")

    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_command_that_is_killed_twice_ends_as_if_nothing_had_happened(
    name: str, forks: Forks, trial: MakeTrial
) -> None:
    killed, chance = trial(name), random.Random(f"{name} {SEED}")
    strikes = [draw(kind, killed.whole, chance) for kind in ("byte", "moment")]
    for strike in strikes:
        killed.strike(forks, strike)
    killed.finish(forks)
    assert killed.faults == [], strikes
    assert killed.stages


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoiler", "by"), [("writes_in_place", "byte"), ("writes_in_place_slowly", "change")]
)
def test_a_file_that_is_written_in_place_is_seen(
    spoiler: str, by: str, forks: Forks, trial: MakeTrial
) -> None:
    killed, plant = trial("heads discover"), f"spoilers:{spoiler}"
    files = killed.whole.files
    if by == "byte":
        between = (len(files["state.jsonl"]) + len(files["heads.json"])) // 2
        killed.strike(forks, Byte(between), plant)
    else:
        run = forks.start(killed.job.words, killed.base, Strike(), plant)
        until(run, (killed.base / "out" / "heads.json").exists)
        run.kill()
        killed.struck(run)
    assert killed.stages == ["during"]
    [fault] = killed.faults
    assert re.fullmatch(r"heads\.json has \d+ bytes in place of \d+", fault)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoiler", "name", "shows"),
    [
        ("forgets_finished", "segment", "was finished and is written again"),
        ("repeats_finished", "eval", "report/samples.jsonl differs"),
    ],
)
def test_work_that_is_done_twice_is_seen(
    spoiler: str, name: str, shows: str, forks: Forks, trial: MakeTrial
) -> None:
    killed = trial(name)
    run = forks.start(killed.job.words, killed.base, Strike())
    until(run, lambda: killed.job.finished(killed.base / "out") > 0)
    run.kill()
    killed.struck(run)
    killed.finish(forks, f"spoilers:{spoiler}")
    assert any(shows in fault for fault in killed.unequal), killed.unequal
    assert any("items were finished, said were" in fault for fault in killed.unequal)


@pytest.mark.long
def test_a_hundred_kills(
    forks: Forks, trial: MakeTrial, capsys: pytest.CaptureFixture[str]
) -> None:
    tallies, faults = {"SIGKILL": Tally(), "ended at a byte": Tally()}, []
    for name, (kind, number) in itertools.product(NAMES, PLAN.items()):
        seed = f"{name} {kind} {SEED}"
        chance, seconds, landed = random.Random(seed), math.inf, 0
        for each in (trial(name) for _ in range(4 * number)):
            strike = draw(kind, each.whole.within(seconds), chance)
            each.strike(forks, strike)
            each.finish(forks)
            tallies["ended at a byte" if kind == "byte" else "SIGKILL"].add(each)
            faults += [f"{seed}: {strike}: {fault}" for fault in each.faults]
            if each.late:  # it is drawn again; the machine was slower when the time was taken
                seconds = min(seconds, each.seconds)
            landed += len(each.stages)
            if landed == number:
                break
        assert landed == number, seed
    with capsys.disabled():
        sys.stdout.writelines(f"\n{way}, seed {SEED}\n{each}\n" for way, each in tallies.items())
    assert faults == []


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_process_of_its_own_is_killed_and_goes_on(
    name: str, forks: Forks, trial: MakeTrial
) -> None:
    """Forked processes stand for those that users start: the one goes on where the other was killed."""
    killed, chance = trial(name), random.Random(f"{name} spawned {SEED}")
    run = Spawned(killed.job.words, killed.base)
    draw("change", killed.whole, chance).outside(run, killed.base / "out")
    killed.struck(run)
    killed.finish(forks)
    assert killed.faults == []
