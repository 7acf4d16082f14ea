"""How a command loads its model: every option arrives, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vlmscope.cli.loading import Loading, NamedDecoder, SizedLoading
from vlmscope.errors import BadOptionError, UnsupportedError


def test_options_reach_the_model(checkpoint: Path) -> None:
    loaded = SizedLoading(dtype="bfloat16", device="cpu", max_side=32).decoder(str(checkpoint))
    assert next(loaded.hf.parameters()).dtype == torch.bfloat16
    assert loaded.max_side == 32
    assert Loading().decoder(str(checkpoint)).max_side is None


def test_an_encoder_is_no_decoder() -> None:
    with pytest.raises(UnsupportedError, match="tiny-clip has no text decoder"):
        Loading().decoder("tiny-clip")
    with pytest.raises(UnsupportedError, match="dual encoder"):
        SizedLoading(max_side=32).model("tiny-clip")


def test_the_named_decoder() -> None:
    assert NamedDecoder().id == "tiny-llava"
    assert NamedDecoder("a").id == NamedDecoder(model="a").id == NamedDecoder("a", "a").id == "a"
    with pytest.raises(BadOptionError, match="a and b"):
        _ = NamedDecoder("a", "b").id
