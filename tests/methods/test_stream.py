"""Jobs as they come: phrases of their own, one outcome each, in order or as they are ready."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

import vlmscope as vs
from dual_families import clip
from families import llava
from lvlms import made
from vlmscope.errors import BadImageError, BadOptionError, BadPhraseError, VlmscopeWarning
from vlmscope.methods import Job, Outcome
from vlmscope.methods.looks import View

HEADS = [(1, 3), (2, 4)]


def picture(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def ready(model: Any, batch: int = 1) -> vs.Grounder:
    return vs.grounder(model, "the dog", heads=HEADS, batch=batch)


MIXED = [
    Job(picture(1), "the dog", "a"),
    Job(picture(2, 60, 120), ["a red cat", "the dog on the left"], "b"),
    Job(picture(3), None, "c"),
    Job(picture(4), "a large blue star", "d"),
    Job(picture(5, 60, 120), ["the dog", "a red cat"], "e"),
]


def check_alike(one: Outcome, other: Outcome) -> None:
    assert one.job.id == other.job.id
    for first, second in zip(one.result(), other.result(), strict=True):
        np.testing.assert_allclose(first.score_map, second.score_map, atol=1e-5, rtol=1e-5)
        assert abs(first.score - second.score) < 1e-5
        assert (first.phrase, first.box) == (second.phrase, second.box)


@pytest.mark.filterwarnings("error::vlmscope.errors.VlmscopeWarning")
@pytest.mark.parametrize("name", ["llava", "qwen2-vl", "paligemma", "mllama"])
def test_phrases_of_each_image_are_its_own(name: str) -> None:
    model = made(name)
    alone = [vs.grounder(model, job.phrases or "the dog", heads=HEADS)(job.image) for job in MIXED]
    for batch, window in ((1, None), (3, None), (5, 5), (2, 3)):
        outcomes = list(ready(model).stream(MIXED, batch=batch, window=window))
        for outcome, own, job in zip(outcomes, alone, MIXED, strict=True):
            check_alike(outcome, Outcome(job, own))


@pytest.mark.parametrize("model", [llava, clip])
def test_what_is_wrong_with_a_job_is_its_own_error(model: Any) -> None:
    jobs = [
        Job(picture(1), "the dog", 0),
        Job("missing.png", "the dog", 1),
        Job(picture(2), "  ", 2),
        Job(picture(3), 7, 3),  # type: ignore[arg-type]
        Job(picture(4), [], 4),
        Job(picture(5), "the <image> dog", 5),
        Job(picture(6), "the dog", 6),
    ]
    outcomes = list(vs.grounder(model(), "a cat", batch=4).stream(jobs))
    assert [each.job.id for each in outcomes] == list(range(7))
    wrong = {each.job.id: type(each.error) for each in outcomes if each.error is not None}
    expected: dict[int, type] = {1: BadImageError, 2: BadPhraseError, 3: BadPhraseError}
    if model is llava:  # to CLIP these are words
        expected[5] = BadPhraseError
    assert wrong == expected
    assert [len(each.groundings) for each in outcomes] == [1, 0, 0, 0, 0, int(model is clip), 1]
    assert all(each.error.__traceback__ is None for each in outcomes if each.error is not None)
    with pytest.raises(BadImageError, match=r"missing\.png"):
        outcomes[1].result()


def test_outcomes_as_they_are_ready() -> None:
    """The third goes with the first, so it is there before the second, whose like comes last."""
    sizes = [(64, 96), (60, 120), (64, 96), (64, 96), (60, 120)]
    jobs = [Job(picture(i, *size), None, i) for i, size in enumerate(sizes)]
    stream = ready(made("qwen2-vl"), 2).stream(jobs, window=9, ordered=False)
    assert [each.job.id for each in stream] == [0, 2, 1, 4, 3]
    stream = ready(made("qwen2-vl"), 2).stream(jobs, window=9)
    assert [each.job.id for each in stream] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_jobs_are_open_than_the_window_holds(ordered: bool) -> None:
    taken: list[int] = []

    def endless() -> Iterator[Job]:
        while True:
            taken.append(1)
            # every shape comes once, so that nothing ever fills a batch
            yield Job(picture(1, 56, 56 + 28 * len(taken)), None, len(taken))

    stream = ready(made("qwen2-vl"), 2).stream(endless(), window=4, ordered=ordered)
    for count in range(1, 5):
        assert next(stream).job.id == count
        assert len(taken) <= count + 4 + 2  # and those that are read ahead
    del stream


class Narrow:
    """A device whose memory holds two images; of several batches it says what it was given."""

    together = True

    def __init__(self, most: int, error: Exception) -> None:
        self.most, self.error = most, error
        self.sizes: list[int] = []

    def alone(self, prompts: Any) -> Any:
        return lambda pixels: self.side_by_side([View(pixels, prompts)])[0]

    def view(self, pixels: Any, prompts: Any) -> View:
        return View(pixels, prompts)

    def side_by_side(self, views: Sequence[View]) -> list[list[Any]]:
        self.sizes.append(len(views))
        if len(views) > self.most:
            raise self.error
        return [[len(view.prompts)] for view in views]


def narrow(most: int, error: Exception) -> tuple[vs.Grounder, Narrow]:
    looks = Narrow(most, error)
    return _with(vs.grounder(llava(), "the dog", "mean-attention", batch=8), looks), looks


def _with(plain: vs.Grounder, looks: Narrow) -> vs.Grounder:
    object.__setattr__(plain, "_looks", looks)
    object.__setattr__(plain, "_finished", lambda results, opened: results)
    return plain


def test_a_batch_that_memory_does_not_hold_is_halved_from_there_on() -> None:
    plain, looks = narrow(2, torch.OutOfMemoryError("no"))
    with pytest.warns(VlmscopeWarning, match="images side by side do not fit") as said:
        outcomes = list(plain.stream(Job(picture(1), None, i) for i in range(12)))
    assert [str(each.message)[:8] for each in said] == ["8 images", "4 images"]
    assert [len(each.result()) for each in outcomes] == [1] * 12
    assert looks.sizes == [8, 4, 2, 2, 2, 2, 2, 2]


def test_one_image_that_memory_does_not_hold_is_an_error() -> None:
    plain, _ = narrow(0, torch.OutOfMemoryError("no"))
    with pytest.warns(VlmscopeWarning):
        outcomes = list(plain.stream([Job(picture(1)), Job(picture(2))]))
    assert [type(each.error) for each in outcomes] == [torch.OutOfMemoryError] * 2


def test_a_batch_that_fails_where_none_of_its_images_does_is_told() -> None:
    plain, looks = narrow(1, RuntimeError("odd shapes"))
    with pytest.warns(VlmscopeWarning, match="one by one: RuntimeError: odd shapes"):
        outcomes = list(plain.stream([Job(picture(1)), Job(picture(2))]))
    assert [len(each.result()) for each in outcomes] == [1, 1]
    assert looks.sizes == [2, 1, 1]


@pytest.mark.parametrize("name", ["batch", "window", "threads"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5])
def test_numbers_that_are_none(name: str, value: Any) -> None:
    with pytest.raises(BadOptionError, match=f"{name} is how many"):
        ready(llava()).stream([], **{name: value})


def test_an_error_of_the_jobs_themselves_is_raised() -> None:
    def broken() -> Iterator[Job]:
        yield Job(picture(1))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(ready(llava()).stream(broken()))
    assert list(ready(llava()).stream([])) == []
