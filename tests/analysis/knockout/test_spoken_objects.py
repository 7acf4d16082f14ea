"""Which words name an object: merges, words that mean none, and lists of other sets."""

from __future__ import annotations

import pytest

from vlmscope.analysis.knockout.objects import ObjectWords, shipped_names
from vlmscope.analysis.knockout.spoken_objects import mentions_of, objects_for
from vlmscope.errors import BadOptionError

COCO = objects_for(shipped_names("coco"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A baby elephant by the train tracks.", ["elephant"]),
        ("two dogs, a dog and hot dogs", ["dog", "dog", "hot dog"]),
        ("people drink orange juice at a dining table", ["person", "dining table"]),
        ("nothing to see", []),
        ("A passenger train and its passengers' teddy bear", ["train", "teddy bear"]),
    ],
)
def test_the_longest_words_win(text: str, names: list[str]) -> None:
    assert [mention.name for mention in mentions_of(text, COCO)] == names


def test_every_object_of_coco_is_there() -> None:
    assert len(COCO.objects) == 81  # and what means none
    assert [m.name for m in mentions_of("a stop sign", objects_for(["stop sign"]))] == ["stop sign"]


def test_shapes_and_objects_of_ones_own() -> None:
    assert [m.name for m in mentions_of("a red disc", objects_for(["circle"]))] == ["circle"]
    assert [m.name for m in mentions_of("two unicorns", objects_for(["unicorn"]))] == ["unicorn"]


def test_a_word_of_two_classes_and_no_class_are_refused() -> None:
    with pytest.raises(BadOptionError, match="stands for 'cat' and for 'dog'"):
        ObjectWords({"cat": ["pet"], "dog": ["pet"]})
    with pytest.raises(BadOptionError, match="at least one word"):
        objects_for([])
