"""Results of steps: kept whole, found again, and refused where they are of something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vlmscope.errors import ModelMismatchError, OutputError
from vlmscope.reproduce.costs import Cost
from vlmscope.reproduce.kept import KeptResults
from vlmscope.reproduce.pace import Pace
from vlmscope.reproduce.steps import Step, take_steps

HEADER = {"models": {"a": "1"}, "seed": 0}


def steps_of(done: list[str], fails: str = "") -> list[Step]:
    """Three steps that write down that they were taken; the second needs the first."""

    def work(name: str) -> Any:
        def run(kept: KeptResults, pace: Pace) -> Any:
            if name == fails:
                raise KeyboardInterrupt
            done.append(name)
            return {"name": name, "before": kept["one"]["name"] if name != "one" else None}

        return run

    return [Step(name, name, Cost(1, 1, 1, 4), work(name)) for name in ("one", "two", "three")]


@pytest.mark.parametrize("fails", ["one", "two", "three"])
def test_a_run_that_is_interrupted_goes_on(tmp_path: Path, fails: str) -> None:
    done: list[str] = []
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        take_steps(steps_of(done, fails), KeptResults(tmp_path, HEADER), said.append)
    kept = KeptResults(tmp_path, HEADER)
    take_steps(steps_of(done), kept, said.append)
    assert done == ["one", "two", "three"]  # nothing twice, nothing lost
    assert [kept[name]["name"] for name in done] == done
    assert kept["three"]["before"] == "one"
    before = ["one", "two", "three"].index(fails)
    assert said == ([f"{before} of 3 steps were done before"] if before else [])


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ({"models": {"a": "2"}, "seed": 0}, "models"),
        ({"models": {"a": "1"}, "seed": 1}, "seed"),
        ({"models": {"a": "1"}}, "seed"),
        ({**HEADER, "limit": 3}, "limit"),
    ],
)
def test_results_of_something_else_are_refused(
    tmp_path: Path, header: dict[str, Any], word: str
) -> None:
    KeptResults(tmp_path, HEADER)
    with pytest.raises(ModelMismatchError, match=f"made with {word}"):
        KeptResults(tmp_path, header)


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    KeptResults(tmp_path, HEADER).add("one", {"a": 1})
    (tmp_path / "steps" / "one.json").write_text('{"a": ', "utf-8")
    with pytest.raises(OutputError, match=r"one\.json.*Delete it"):
        KeptResults(tmp_path, HEADER)["one"]


def test_a_folder_of_somebody_else_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"mine": 1}', "utf-8")
    with pytest.raises(OutputError, match="no state of a reproduction"):
        KeptResults(tmp_path, HEADER)
    assert (tmp_path / "state.json").read_text("utf-8") == '{"mine": 1}'


def test_without_a_folder_results_stay_in_memory() -> None:
    kept = KeptResults(None, HEADER)
    assert kept.state_file("one") is None
    assert "one" not in kept
    kept.add("one", {"a": (1, 2)})
    assert kept["one"] == {"a": [1, 2]}
    with pytest.raises(KeyError):
        kept["two"]
