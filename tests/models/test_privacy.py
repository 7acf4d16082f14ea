"""Attributes that each thread has to itself."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import nn

from vlmscope.models.privacy import private


class Remembering(nn.Module):
    """A module as transformers writes them: something is kept between passes."""

    def __init__(self) -> None:
        super().__init__()
        self.offset: Any = 3
        self.register_buffer("speeds", torch.ones(2), persistent=False)


def elsewhere(work: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(timeout=30)


def test_each_thread_reads_and_writes_its_own() -> None:
    module = Remembering()
    with private(module, {"offset": None}):
        assert module.offset is None
        module.offset = 5
        assert elsewhere(lambda: module.offset) == 3
        elsewhere(lambda: setattr(module, "offset", 4))
        assert module.offset == 5
    assert module.offset == 4
    assert type(module) is Remembering


def test_blocks_within_each_other_and_one_that_fails() -> None:
    module = Remembering()
    with private(module, {"offset": 1}):
        with pytest.raises(ValueError, match="inside"), private(module, {"offset": 2}):
            module.offset = 7
            raise ValueError("inside")
        assert module.offset == 1

        def theirs() -> int:
            with private(module, {"offset": 20}):
                module.offset += 1
                return module.offset

        assert elsewhere(theirs) == 21
        assert module.offset == 1
    assert module.offset == 3 and type(module) is Remembering


def test_a_block_that_another_thread_leaves_later() -> None:
    module = Remembering()
    with ThreadPoolExecutor(1) as pool:
        theirs = private(module, {"offset": 9})
        with private(module, {"offset": 1}):
            pool.submit(theirs.__enter__).result()
        assert module.offset == 3
        assert pool.submit(lambda: module.offset).result() == 9
        pool.submit(theirs.__exit__, None, None, None).result()
    assert module.offset == 3 and type(module) is Remembering


def test_buffers_that_are_registered_anew() -> None:
    module = Remembering()
    before = module.speeds
    with private(module, {"speeds": torch.zeros(2)}):
        assert not module.speeds.any()
        module.register_buffer("speeds", torch.full((2,), 5.0), persistent=False)
        assert module.speeds.tolist() == [5, 5]
        assert elsewhere(lambda: module.speeds) is before
        module.register_buffer("others", torch.ones(1), persistent=False)
        assert elsewhere(lambda: module.others) is module.others
    assert module.speeds is before
    with private(module, {"speeds": torch.zeros(2)}):
        elsewhere(lambda: module.register_buffer("speeds", torch.full((2,), 6.0)))
        assert not module.speeds.any()
    assert module.speeds.tolist() == [6, 6]


def unpickled(item: Any) -> Any:
    return pickle.loads(pickle.dumps(item))  # noqa: S301 - of the same line


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, unpickled])
def test_what_another_thread_copies_meanwhile_is_as_ever(again: Callable[[Any], Any]) -> None:
    module = Remembering()
    with private(module, {"offset": 1}):
        made = elsewhere(lambda: again(module))
        assert made is not module and type(made) is Remembering
        assert made.offset == 3 and made.speeds.tolist() == [1, 1]
        assert "offset" in vars(module) and set(vars(made)) == set(vars(module))
    assert made.offset == 3


def test_an_attribute_that_only_passes_make() -> None:
    module = Remembering()
    with private(module, {"longest": None}):
        module.longest = 40
        assert elsewhere(lambda: getattr(module, "longest", "none")) == "none"
    assert not hasattr(module, "longest")
