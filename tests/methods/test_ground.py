"""``ground`` on known heads: the contract, the heads it takes, and what it warns of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import vlmscope as vs
from dual_families import clip
from handmade import FakeModel, PlantedHeads, scene
from vlmscope.errors import (
    BadHeadSetError,
    BadImageError,
    BadOptionError,
    BadPhraseError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.heads import (
    DiscoveryOptions,
    discover_heads,
    published_names,
    published_set,
    verify_heads,
)
from vlmscope.methods import get_method, ground, methods
from vlmscope.models import ModelCard, Prompt
from vlmscope.post import PAPER, PostOptions
from vlmscope.results import Grounding
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadEvidence, HeadFrequency, HeadSet, box_iou

IMAGE, BOX = scene(3)
HEADS = [(3, 1), (4, 0), (4, 2)]


def _find(fake: FakeModel, phrases: object = "the thing", **more: object) -> Grounding:
    return ground(fake, more.pop("image", IMAGE), phrases, heads=more.pop("heads", HEADS), **more)


def test_a_text_gives_one_grounding_and_a_list_a_list(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    one, several = _find(fake), _find(fake, ["a thing", "another"])
    assert isinstance(one, Grounding) and one.phrase == "the thing"
    assert [found.phrase for found in several] == ["a thing", "another"]
    assert _find(fake, []) == []
    assert planted.phrases == [["the thing"], ["a thing", "another"]]  # one pass over the image


def test_the_object_is_found(fake: FakeModel, planted: PlantedHeads) -> None:
    found = _find(fake, threshold="max-share")
    assert box_iou(found.box, BOX) > 0.6
    x, y = found.point
    assert BOX[0] <= x < BOX[2] and BOX[1] <= y < BOX[3]
    assert found.mask.shape == found.heatmap.shape == (64, 64)
    assert found.score_map.shape == (16, 16)
    assert 0.4 < found.score <= 0.7  # these heads put 0.7 of their attention around the object
    assert found.seen == (0, 0, 64, 64) and found.warnings == ()


def test_details_say_what_was_read(fake: FakeModel, planted: PlantedHeads) -> None:
    found = _find(fake, "the red thing", sigma=0.5)
    assert found.details["heads"] == ["L3H1", "L4H0", "L4H2"]
    assert found.details["row_tokens"] == ["thing"] and found.details["rows"] == "last_text"
    assert (found.details["prompt"], found.details["placement"]) == ("paper", "pad")
    assert found.details["revision"] == "r1" and found.details["post"]["sigma"] == 0.5
    json.loads(found.to_json())


def test_fault_boxes_scaled_as_if_the_image_had_not_been_padded(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    for size, number in (((64, 160), 5), ((200, 64), 6)):
        image, box = scene(number, size)
        found = _find(fake, image=image, threshold="max-share", share=0.5, surface="pixels")
        off = np.array(found.box).reshape(2, 2).mean(0) - np.array(box).reshape(2, 2).mean(0)
        assert np.abs(off).max() < 6, size  # scaled to the image's own sides: off by 20 or more
        assert found.mask.shape == size


def test_fault_attention_captured_once_and_used_for_every_later_image(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    maps = [_find(fake, image=scene(number)[0]).score_map for number in (1, 2, 1)]
    assert np.abs(maps[0] - maps[1]).max() > 1e-3
    np.testing.assert_array_equal(maps[0], maps[2])


@pytest.mark.parametrize("value", [0.0, 1 / 300])
def test_nothing_lit_gives_no_box_and_no_crash(
    fake: FakeModel, planted: PlantedHeads, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(PlantedHeads, "_map", lambda *_: np.full(256, value, np.float32))
    found = _find(fake)
    assert found.box is None and found.point is None and not found.mask.any()
    assert found.score == 0 and not found.heatmap.any()
    json.loads(found.to_json())


@pytest.mark.parametrize(
    "heads",
    [
        "L3H1,L4H0,L4H2",
        "3.1 4.0 4.2",
        HEADS,
        [[3, 1], [4, 0], [4, 2]],
        [Head(3, 1), Head(4, 0), Head(4, 2)],
        ["L3H1", "L4H0", "L4H2"],
        np.array(HEADS),
        HeadSet(heads=tuple(Head(*head) for head in HEADS), model="fake", revision="r1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_heads_in_every_form(fake: FakeModel, planted: PlantedHeads, heads: object) -> None:
    found = _find(fake, heads=heads)
    assert found.details["heads"] == ["L3H1", "L4H0", "L4H2"] and not found.warnings


def test_heads_from_a_file(fake: FakeModel, planted: PlantedHeads, tmp_path: Path) -> None:
    path = tmp_path / "heads.json"
    HeadSet(heads=(Head(4, 0),), model="fake", rows="phrase", prompt="chat").save(path)
    for given in (path, str(path)):
        found = _find(fake, heads=given)
        assert found.details["heads"] == ["L4H0"]
        assert (found.details["rows"], found.details["prompt"]) == ("phrase", "chat")


def test_heads_that_ship_with_the_model_are_the_default(
    planted: PlantedHeads, tmp_path: Path
) -> None:
    path = tmp_path / "heads.json"
    HeadSet(heads=(Head(4, 2),), model="fake").save(path)
    model = FakeModel(card=ModelCard("fake", "fake", heads=path))
    assert _find(model, heads=None).details["heads"] == ["L4H2"]


def test_published_heads_are_the_next_default_and_say_that_they_are_unverified(
    planted: PlantedHeads,
) -> None:
    model = FakeModel(id="llava-hf/llava-1.5-7b-hf", decoder_shape=(32, 32))
    found = _find(model, heads=None)
    assert found.details["heads"] == ["L14H24", "L14H13", "L14H26"]
    assert found.details["heads_source"] == "published, unverified"
    assert any("unverified" in warning for warning in found.warnings)
    assert _find(model, heads="llava-1.5-7b").details["heads"] == found.details["heads"]


def test_without_any_known_heads_the_way_to_them_is_said(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    with pytest.raises(BadHeadSetError, match="vlmscope heads discover fake"):
        _find(fake, heads=None, method="localization-heads")


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        ([(6, 0)], "no head L6H0: its layers are 0 to 5 and its heads 0 to 3"),
        ("L0H4", "no head L0H4"),
        ([(-1, 0)], "no head"),
        ([(3, 1), (3, 1)], "named twice"),
        ([], "No head was named"),
        ([(1, 2, 3)], "pair of whole numbers"),
        ([(1.5, 2)], "pair of whole numbers"),
        ([(True, 2)], "pair of whole numbers"),
        ("L3X1", "written L14H24.*published sets: llava-1.5-13b"),
        ("nowhere/heads.json", "Cannot read the head file"),
        (5, "got int"),
        (HeadSet(heads=(Head(14, 24),), model="big"), "made for big"),
    ],
)
def test_heads_that_cannot_be(
    fake: FakeModel, planted: PlantedHeads, heads: object, words: str
) -> None:
    with pytest.raises(BadHeadSetError, match=words):
        _find(fake, heads=heads)


def _file(**change: object) -> str:
    record = HeadSet(heads=(Head(3, 1),), model="fake").to_dict()
    return json.dumps({**record, **change})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "is no head file"),
        (_file(format="vlmscope-heads/9"), "vlmscope-heads/9"),
        ('{"format": "vlmscope-heads/1", "model": "fake"}', "lacks the field.* heads"),
        (_file(heads=[]), "heads is empty"),
        (_file(heads=[[1]]), "wrong type or shape"),
        (_file(heads=[["1", 2]]), "wrong type or shape"),
        (_file(heads=5), "wrong type or shape"),
        (_file(model=5), "model is 5"),
        (_file(rows=5), "rows is 5"),
        (_file(samples="many"), "samples is 'many'"),
        (
            _file(frequencies=[{"head": [1, 2]}]),
            "damaged: a part of it lacks the field 'frequency'",
        ),
        (_file(evidence={"samples": 3}), "damaged: a part of it lacks the field 'pointing'"),
        (_file(shape=[1]), "wrong type or shape"),
    ],
)
def test_a_head_file_that_is_none_is_refused_with_the_reason(
    fake: FakeModel, planted: PlantedHeads, tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "heads.json"
    path.write_text(content)
    with pytest.raises(BadHeadSetError, match=words):
        _find(fake, heads=path)


def test_what_was_done_to_the_image_is_on_record(fake: FakeModel, planted: PlantedHeads) -> None:
    found = _find(fake, image=np.zeros((32, 32), dtype=np.uint8))
    assert found.details["image_notes"] == ["grey to RGB"]
    assert "image_notes" not in _find(fake).details


def _evidence(low: float) -> HeadEvidence:
    interval = Interval(low + 0.1, low, low + 0.2)
    return HeadEvidence(20, interval, interval, interval, Interval(2.0, 1.5, 2.5), 0.2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "other"}, "made for other, not for fake"),
        ({"revision": "r0"}, "revision r0, the model is r1"),
        ({"evidence": _evidence(0.1)}, "no better than chance"),
        ({"source": "discovered", "rows": "phrase"}, "discovered in the row 'phrase'"),
        ({"source": "discovered", "prompt": "chat"}, "with the prompt 'chat'"),
    ],
)
def test_what_must_be_known_of_the_heads_is_warned_of(
    fake: FakeModel, planted: PlantedHeads, change: dict, words: str
) -> None:
    plain = HeadSet(heads=(Head(3, 1),), model="fake", revision="r1", prompt="paper")
    heads = dataclasses.replace(plain, **change)
    found = ground(fake, IMAGE, "thing", heads=heads, rows="last_text", prompt="paper")
    assert len(found.warnings) == 1 and words in found.warnings[0]


@pytest.mark.parametrize(
    "heads",
    [
        HeadSet(heads=(Head(3, 1),), model="fake", revision=None),
        HeadSet(heads=(Head(3, 1),), model="fake", evidence=_evidence(0.5)),
    ],
)
def test_good_heads_are_not_warned_of(
    fake: FakeModel, planted: PlantedHeads, heads: HeadSet
) -> None:
    assert _find(fake, heads=heads).warnings == ()


def test_a_crop_that_cuts_the_image_is_warned_of(
    fake: FakeModel, planted: PlantedHeads, monkeypatch: pytest.MonkeyPatch
) -> None:
    from handmade import map_of, view_over

    cropped = map_of((64, 128), [view_over((32, 0, 96, 64), (16, 16))], "crop")
    monkeypatch.setattr(PlantedHeads, "token_map", staticmethod(lambda pixels: cropped))
    found = _find(fake, image=scene(1, (64, 128))[0])
    assert "did not see 50%" in found.warnings[0] and "placement='pad'" in found.warnings[0]
    assert found.seen == (32, 0, 96, 64)


@pytest.mark.parametrize("phrase", ["", "   ", "\n"])
def test_an_empty_phrase_is_refused(fake: FakeModel, planted: PlantedHeads, phrase: str) -> None:
    for given in (phrase, ["fine", phrase]):
        with pytest.raises(BadPhraseError, match="empty"):
            _find(fake, given)
    assert not planted.images


@pytest.mark.parametrize("phrase", [5, None, b"bytes", ["fine", 5]])
def test_something_that_is_no_text_is_refused(
    fake: FakeModel, planted: PlantedHeads, phrase: object
) -> None:
    with pytest.raises(BadPhraseError):
        _find(fake, phrase)


def test_a_prompt_may_say_which_of_its_words_are_the_phrase(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    assert _find(fake, Prompt("where is the cat ?", (9, 16))).phrase == "the cat"


def test_a_missing_image_is_refused_before_anything_is_computed(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    with pytest.raises(BadImageError):
        _find(fake, image="no-such.png")
    assert not planted.images


def test_an_unknown_option_is_answered_with_the_nearest(
    fake: FakeModel, planted: PlantedHeads
) -> None:
    with pytest.raises(UnknownNameError, match="'treshold'.*Did you mean 'threshold'"):
        _find(fake, treshold="otsu")
    with pytest.raises(BadOptionError, match="k takes a whole number"):
        _find(fake, k=0)


def test_an_unknown_method_is_answered_with_the_nearest(fake: FakeModel) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'localization-heads'"):
        _find(fake, method="localisation-heads")


def test_localization_heads_refuse_a_model_without_a_decoder(planted: PlantedHeads) -> None:
    encoder = type("Encoder", (), {"id": "clip", "card": ModelCard("clip", "clip")})()
    with pytest.raises(UnsupportedError, match="does not run on clip"):
        ground(encoder, IMAGE, "thing", method="localization-heads")
    with pytest.raises(UnsupportedError, match="clip is an encoder"):
        discover_heads(encoder, [(IMAGE, "thing")], progress=False)
    with pytest.raises(UnsupportedError, match="clip is an encoder"):
        verify_heads(encoder, "L1H1", [(IMAGE, "thing", BOX)], progress=False)


def test_every_method_describes_itself_and_its_options() -> None:
    for method in methods():
        assert method.summary and get_method(method.id) is method
        for field in dataclasses.fields(method.options):
            assert field.metadata.get("help") or dataclasses.is_dataclass(field.default_factory)


def test_the_models_own_post_processing_is_the_default(planted: PlantedHeads) -> None:
    model = FakeModel(card=ModelCard("fake", "fake", grounding={"threshold": "otsu", "sigma": 0.3}))
    own = _find(model).details["post"]
    assert (own["threshold"], own["sigma"]) == ("otsu", 0.3)
    changed = _find(model, sigma=2.0).details["post"]
    assert (changed["threshold"], changed["sigma"]) == ("otsu", 2.0)


@pytest.mark.parametrize("post", ["paper", PAPER], ids=["name", "object"])
def test_a_whole_setting_replaces_the_models_own(planted: PlantedHeads, post: object) -> None:
    model = FakeModel(card=ModelCard("fake", "fake", grounding={"threshold": "otsu"}))
    found = _find(model, post=post).details["post"]
    assert PostOptions(**{name: found[name] for name in dataclasses.asdict(PAPER)}) == PAPER
    assert _find(model, post=post, keep="area").details["post"]["keep"] == "area"


def test_a_wrong_setting_is_refused(fake: FakeModel, planted: PlantedHeads) -> None:
    with pytest.raises(UnknownNameError, match="Known: default, paper"):
        _find(fake, post="papre")
    with pytest.raises(BadOptionError, match="got int"):
        _find(fake, post=3)


def test_k_reads_the_first_heads_only(fake: FakeModel, planted: PlantedHeads) -> None:
    assert _find(fake, k=2).details["heads"] == ["L3H1", "L4H0"]


def test_greedy_chooses_anew_for_every_phrase_among_those_that_pass_tau(
    fake: FakeModel, planted: PlantedHeads, pairs: list[tuple]
) -> None:
    heads = discover_heads(fake, pairs, DiscoveryOptions(candidates=4), progress=False)
    found = _find(fake, heads=heads, greedy=True, k=2)
    passing = {*planted.pointing, *planted.broad}
    chosen = {tuple(int(n) for n in name[1:].split("H")) for name in found.details["heads"]}
    assert len(chosen) == 2 and chosen <= passing
    assert len(_find(fake, heads=heads, greedy=True).details["heads"]) == 3
    with pytest.raises(BadHeadSetError, match="greedy=True chooses among the heads that pass tau"):
        _find(fake, greedy=True)


def test_the_read_out_row_is_explicit(fake: FakeModel, planted: PlantedHeads) -> None:
    assert _find(fake, rows="phrase").details["rows"] == "phrase"
    assert _find(fake, rows=[3, 4]).details["rows"] == [3, 4]


@pytest.mark.parametrize("name", published_names())
def test_published_sets_are_data_with_their_source(name: str) -> None:
    heads = published_set(name)
    assert heads.source == "published, unverified" and heads.evidence is None
    assert "2503.06287" in heads.notes and heads.shape is not None
    assert all(h.layer < heads.shape[0] and h.head < heads.shape[1] for h in heads.heads)


def test_the_published_heads_of_the_paper() -> None:
    assert published_set("llava-1.5-7b").heads[:2] == ((14, 24), (14, 13))
    assert published_set("llava-1.5-13b").heads == ((15, 39), (16, 30), (7, 2))
    assert "13th" in published_set("llava-1.5-7b").notes
    with pytest.raises(UnknownNameError, match="llava-1.5-7b"):
        published_set("llava-1.5-70b")


@pytest.mark.parametrize("greedy", [False, True])
def test_more_heads_than_there_are_cannot_be_read(
    fake: FakeModel, planted: PlantedHeads, greedy: bool
) -> None:
    sure = Interval(0.9, 0.8, 1.0)
    rows = tuple(HeadFrequency(Head(*each), sure, 0.9, 0.1) for each in HEADS)
    heads = HeadSet(tuple(Head(*each) for each in HEADS), fake.id, tau=0.5, frequencies=rows)
    assert len(_find(fake, heads=heads, k=3, greedy=greedy).details["heads"]) == 3
    with pytest.raises(BadOptionError, match="k=4 asks for more heads .* which are 3: L3H1"):
        _find(fake, heads=heads, k=4, greedy=greedy)


@pytest.mark.parametrize("name", ["discount", "refine_pixels", "refine_side"])
def test_what_compares_classes_by_pixel_is_refused(name: str) -> None:
    for call in (vs.ground, vs.compare_methods):
        with pytest.raises(BadOptionError, match=f"{name!r} is about classes .* use segment"):
            call(clip(), IMAGE, "dog", **{name: 20})
