"""The claims are those of the paper's tables, each once, with where they were read."""

from __future__ import annotations

from vlmscope.reproduce.localization_heads.claims import PAPER_MODELS, REFERENCE, claims_of
from vlmscope.reproduce.localization_heads.splits import TABLE

SEVEN, THIRTEEN = PAPER_MODELS["LLaVA-1.5-7B"], PAPER_MODELS["LLaVA-1.5-13B"]


def published(models: list[str]) -> dict[str, float]:
    return {each.claim.id: each.claim.low for each in claims_of(models)}


def test_the_figures_of_two_models() -> None:
    figures = published([SEVEN, THIRTEEN])
    assert figures["acc@0.5-refcoco-val-llava-1.5-7b"] == 0.865
    assert figures["acc@0.5-refcoco-testb-llava-1.5-13b"] == 0.833
    assert figures["res-oiou-refcocog-test-llava-1.5-7b"] == 0.681
    assert figures["reasonseg-ciou-reasonseg-val-llava-1.5-13b"] == 0.605
    assert figures["criteria-sum-rec"] == 0.239
    assert figures["mean-k5"] == 0.589


def test_every_split_of_the_table_has_its_claims() -> None:
    claims = claims_of([SEVEN])
    assert len({each.claim.id for each in claims}) == len(claims)
    splits = {f"{name} {split}" for name, parts in TABLE.items() for split in parts}
    assert {each.claim.dataset for each in claims} == splits
    assert all("2503.06287" in each.claim.source for each in claims)
    masks = [
        each for each in claims if "oIoU" in each.claim.sentence or "cIoU" in each.claim.sentence
    ]
    assert all(each.sam for each in masks)
    assert not any(each.sam for each in claims if each not in masks)


def test_a_model_that_the_paper_does_not_know_stands_beside_the_reference() -> None:
    assert published(["tiny-llava"]) == published([PAPER_MODELS[REFERENCE]])
    assert published(["tiny-llava", SEVEN]) == published([SEVEN])
    assert len(PAPER_MODELS) == 10
