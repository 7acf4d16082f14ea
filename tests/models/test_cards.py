"""The settings beside a checkpoint of ours complete its card; damaged ones are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmscope.errors import ModelLoadError
from vlmscope.models.cards import ModelCard, read_card

CARD = ModelCard("a/b", "llava", system="Look.", side=224)


def folder(tmp_path: Path, content: str | bytes) -> Path:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "vlmscope.json").write_bytes(data)
    return tmp_path


def test_what_the_file_says_takes_the_place_of_what_the_card_says(tmp_path: Path) -> None:
    card = read_card(folder(tmp_path, '{"system": null, "side": 336, "grounding": {"k": 1}}'), CARD)
    assert (card.system, card.side, card.grounding) == (None, 336, {"k": 1})


def test_what_the_file_does_not_say_stays_and_a_mark_does_no_harm(tmp_path: Path) -> None:
    card = read_card(folder(tmp_path, b'\xef\xbb\xbf{"localization": {}}'), CARD)
    assert card == CARD


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '"system"',
        "[" * 100_000,
        b"\xff\xfe{\0}\0",
        '{"side": "336"}',
        '{"side": true}',
        '{"grounding": []}',
        '{"system": 3}',
        '{"side": NaN}',
    ],
)
def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(ModelLoadError, match=r"vlmscope\.json cannot be read .*fetch it again"):
        read_card(folder(tmp_path, content), CARD)
