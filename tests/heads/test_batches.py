"""Discovery and verification of several images at a time: the numbers of one at a time, in fewer passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lvlms import made
from vlmscope.data.resume import SampleLog
from vlmscope.errors import BadOptionError, SkippedWarning
from vlmscope.heads import DiscoveryOptions, discover_heads, verify_heads
from vlmscope.heads.measures import measure, stack
from vlmscope.heads.survey import survey
from vlmscope.models import LoadedModel

READING: dict[str, Any] = {
    "rows": "last_text",
    "preset": None,
    "placement": None,
    "first_layer": 1,
}
PHRASES = ("the dog", "a large blue star on the left", "the red circle", "a cat", "the box")


def picture(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def rows(count: int) -> list[Any]:
    """Of two sizes, of several lengths, the fourth image with two phrases."""
    sizes = [(64, 96), (60, 120)]
    samples: list[Any] = []
    for seed in range(count):
        image = picture(seed, *sizes[seed % 2])
        samples.append((image, PHRASES[seed % 5]))
        if seed == 3:
            samples.append((image, "a small green ring"))
    return samples


class Passes:
    """Batch sizes of the passes that images go through."""

    def __init__(self, model: LoadedModel) -> None:
        self.model, self.sizes = model, list[int]()

    def __enter__(self) -> Passes:
        def entered(module: Any, args: tuple, kwargs: dict[str, Any]) -> None:
            if kwargs.get("inputs_embeds") is not None:
                self.sizes.append(len(kwargs["inputs_embeds"]))

        self._hook = self.model.decoder.register_forward_pre_hook(entered, with_kwargs=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


@pytest.mark.parametrize("name", ["llava", "qwen2-vl", "paligemma", "mllama"])
def test_measures_are_those_of_one_image_at_a_time(name: str) -> None:
    model, samples = made(name), rows(9)
    stacks = []
    for batch in (1, 3):
        log = SampleLog(None, {})
        done = survey(
            model,
            samples,
            log,
            lambda _, maps: measure(maps),
            reading=READING,
            progress=False,
            batch=batch,
        )
        stacks.append((done.ids, stack([log[digest] for digest in done.ids])))
    (ids, alone), (other, beside) = stacks
    assert ids == other and len(ids) == 10
    np.testing.assert_allclose(alone.sums, beside.sums, atol=1e-5)


def test_a_batch_takes_fewer_passes_and_stops_after_the_last_layer_that_is_read() -> None:
    model, samples = made("llava"), [(picture(seed), PHRASES[seed % 5]) for seed in range(8)]
    ran: list[int] = []
    hook = model.layers[-1].mlp.register_forward_hook(lambda *_: ran.append(1))
    with Passes(model) as seen:
        discover_heads(model, samples, DiscoveryOptions(skip_layers=1), progress=False, batch=4)
    hook.remove()
    # two of the eight are too long to be filled up beside the others
    assert sorted(seen.sizes) in ([4, 4], [2, 2, 4])
    assert not ran  # above the attention of the last layer nothing is computed


def test_bad_rows_are_told_in_order_and_stop_nobody() -> None:
    model, samples = made("llava"), rows(6)
    samples[2:2] = ["nonsense", ("none.png", "the dog"), (picture(50), "the <image> dog")]
    told = []
    for batch in (1, 4):
        with pytest.warns(SkippedWarning, match="3 samples were skipped"):
            heads = discover_heads(
                model, samples, DiscoveryOptions(skip_layers=1), progress=False, batch=batch
            )
        told.append((heads.skipped, heads.sample_ids))
    assert told[0] == told[1]


def test_a_job_goes_on_with_another_batch(tmp_path: Any) -> None:
    model, samples, options = made("llava"), rows(6), DiscoveryOptions(skip_layers=1)
    file = tmp_path / "state.jsonl"
    whole = discover_heads(model, samples, options, progress=False)
    discover_heads(model, samples[:3], options, progress=False, resume=file)
    with Passes(model) as seen:
        gone_on = discover_heads(model, samples, options, progress=False, resume=file, batch=4)
    assert sum(seen.sizes) == 3  # the images that were not looked at before
    assert gone_on.sample_ids == whole.sample_ids
    np.testing.assert_allclose(gone_on.sums, whole.sums, atol=1e-5)


def test_verification_in_batches() -> None:
    model = made("llava")
    samples = [(picture(seed), PHRASES[seed % 5], (10, 10, 40, 40)) for seed in range(7)]
    alone, beside = (
        verify_heads(model, "L1H2,L2H3", samples, progress=False, batch=batch) for batch in (1, 4)
    )
    assert alone.evidence is not None and beside.evidence is not None
    assert alone.evidence.sample_ids == beside.evidence.sample_ids
    assert alone.evidence.enrichment.value == pytest.approx(beside.evidence.enrichment.value, 1e-4)
    assert alone.evidence.pointing == beside.evidence.pointing


@pytest.mark.parametrize("batch", [0, -1, True, 2.5])
def test_a_batch_that_is_none(batch: Any) -> None:
    with pytest.raises(BadOptionError, match="side by side, got"):
        discover_heads(made("llava"), rows(2), progress=False, batch=batch)
    with pytest.raises(BadOptionError, match="side by side, got"):
        verify_heads(made("llava"), "L1H2", rows(2), progress=False, batch=batch)
