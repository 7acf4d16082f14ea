"""Several threads on one model: each gets what it would get alone, and sees nothing of the others."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import lvlms
import vlmscope as vs
from families import llava

RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 255, (60, 80, 3), dtype=np.uint8) for _ in range(8)]
PHRASES = ["the red circle", "a dog", "what colour is it", "a cat on the left"] * 2
HEADS = "L1H2,L2H3"


def test_forty_groundings_of_eight_threads() -> None:
    model = llava(layers=6)
    kernel = model.decoder.config._attn_implementation

    def ask(number: int) -> np.ndarray:
        return vs.ground(model, PICTURES[number], PHRASES[number], heads=HEADS).score_map

    wanted = [ask(number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        maps = list(pool.map(ask, [number % 8 for number in range(40)]))
    for number, each in enumerate(maps):
        assert np.array_equal(each, wanted[number % 8])
    assert model.decoder.config._attn_implementation == kernel
    assert np.array_equal(ask(0), wanted[0])


def test_groundings_answers_and_knockouts_of_a_family_with_state() -> None:
    model = lvlms.made("qwen2.5-vl")  # transformers keeps positions of the last image on the model

    def ground(number: int) -> torch.Tensor:
        with vs.capture(model, rows="phrase") as trace:
            vs.prefill(model, PICTURES[number], PHRASES[number])
        return trace.maps

    def answer(number: int) -> torch.Tensor:
        with vs.capture(model, rows="generated") as trace:
            vs.generate(model, PICTURES[number], PHRASES[number], max_new_tokens=3)
        return trace.maps

    def blocked(number: int) -> torch.Tensor:
        with vs.knockout(model, [("image", "last")]), vs.capture(model, rows="last_input") as trace:
            vs.prefill(model, PICTURES[number], PHRASES[number])
        return trace.maps

    jobs: list[tuple[Callable[[int], torch.Tensor], int]] = [
        (job, number) for number in range(8) for job in (ground, answer, blocked)
    ]
    wanted = [job(number) for job, number in jobs]
    with ThreadPoolExecutor(8) as pool:
        maps = list(pool.map(lambda each: each[0](each[1]), jobs))
    for each, alone in zip(maps, wanted, strict=True):
        assert torch.equal(each, alone)


def test_capture_holds_only_passes_of_its_own_thread() -> None:
    model = llava()
    with vs.capture(model, rows="last_text") as trace:
        vs.prefill(model, PICTURES[0], PHRASES[0])
        before = trace.maps
        with ThreadPoolExecutor(1) as pool:  # would wait for ever if the block held the model
            other = pool.submit(vs.ground, model, PICTURES[1], PHRASES[1], heads=HEADS)
            assert other.result(timeout=60).box is not None
        assert torch.equal(trace.maps, before)


def test_knockout_blocks_only_in_its_own_thread() -> None:
    model = llava()
    with vs.capture(model, rows="last_input") as alone:
        vs.prefill(model, PICTURES[0], PHRASES[0])

    def elsewhere() -> torch.Tensor:
        with vs.capture(model, rows="last_input") as trace:
            vs.prefill(model, PICTURES[0], PHRASES[0])
        return trace.maps

    with vs.knockout(model, [("image", "last")]), ThreadPoolExecutor(1) as pool:
        assert torch.equal(pool.submit(elsewhere).result(timeout=60), alone.maps)
        assert float(elsewhere().abs().max()) == 0.0


def test_plain_generate_in_another_thread_is_neither_recorded_nor_changed() -> None:
    model = llava(layers=6)
    inputs = dict(model.encode([PICTURES[0]], [PHRASES[0]]).inputs)
    inputs.pop("position_ids")
    settings = {"max_new_tokens": 12, "do_sample": False, "output_scores": True}

    def plain() -> torch.Tensor:
        out = model.hf.generate(**inputs, **settings, return_dict_in_generate=True, num_beams=2)
        return torch.cat([out.sequences[0], torch.stack(out.scores).flatten()])

    wanted = plain()
    done = threading.Event()
    outs: list[torch.Tensor] = []

    def work() -> None:
        while not done.is_set():
            outs.append(plain())

    worker = threading.Thread(target=work)
    worker.start()
    try:
        deadline = time.monotonic() + 20
        while len(outs) < 3 and time.monotonic() < deadline:
            with vs.knockout(model, [("image", "phrase")]), vs.capture(model, rows=[-1]) as trace:
                with pytest.raises(vs.errors.AttentionError, match="Nothing was captured"):
                    trace.maps  # noqa: B018 - what the other thread does is not in it
                vs.prefill(model, PICTURES[1], PHRASES[1])
                assert trace.maps.shape[2] == 1
    finally:
        done.set()
        worker.join()
    assert len(outs) >= 3
    for each in outs:
        assert torch.equal(each, wanted)
