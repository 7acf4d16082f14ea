"""Comparators on a command line: read before anything is loaded, and one clear message for each fault."""

from __future__ import annotations

import pytest

from vlmscope.errors import BadOptionError, UnknownNameError
from vlmscope.evaluation.comparators import Wanted, wanted


def test_several_in_one_text_and_several_texts() -> None:
    texts = ["owlv2=google/owlv2, grounding-dino=./a=b", "grounding-dino@base=IDEA/base"]
    assert wanted(texts) == (
        Wanted("owlv2", "owlv2", "google/owlv2"),
        Wanted("grounding-dino", "grounding-dino", "./a=b"),
        Wanted("grounding-dino@base", "grounding-dino", "IDEA/base"),
    )
    assert wanted([]) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("owlv2", "got 'owlv2', which says no checkpoint. For example: owlv2=google/owlv2-base"),
        ("owlv2=", "got 'owlv2='. NAME is a hub id or a folder. For example: owlv2=google"),
        ("owlv2@=folder", "got 'owlv2@=folder'. NAME is .* For example: owlv2=google"),
        ("=folder", "got '=folder'. NAME is .* For example: grounding-dino=IDEA"),
        ("", "got ''"),
        ("owlv2=a,", "got ''"),
    ],
)
def test_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadOptionError, match=message):
        wanted([text])


@pytest.mark.parametrize("text", ["owl=folder", "owl", "owl@big=folder"])
def test_an_unknown_comparator_is_refused(text: str) -> None:
    with pytest.raises(UnknownNameError, match="Unknown comparator 'owl'. Did you mean 'owlv2'"):
        wanted([text])


def test_a_label_twice_is_refused() -> None:
    with pytest.raises(BadOptionError, match="Two runs are called 'owlv2'.*owlv2@other=b"):
        wanted(["owlv2=a", "owlv2=b"])
    with pytest.raises(BadOptionError, match="Two runs are called 'owlv2@x'"):
        wanted(["owlv2@x=a"], taken=["gem", "owlv2@x"])
