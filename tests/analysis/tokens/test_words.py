"""Tokens merged into words, in scripts with and without spaces, and bytes of one character."""

from __future__ import annotations

import pytest

from vlmscope.analysis.tokens.words import merge_words, noun_phrases


class Bytes:
    """A tokenizer whose tokens are given byte strings: what byte-level sub-words are."""

    def __init__(self, *pieces: str | bytes) -> None:
        self.pieces = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]

    def decode(self, ids: list[int], **_: object) -> str:
        return b"".join(self.pieces[index] for index in ids).decode("utf-8", "replace")

    @property
    def ids(self) -> list[int]:
        return list(range(len(self.pieces)))


def split(*pieces: str | bytes) -> list[tuple[str, tuple[int, ...]]]:
    tokenizer = Bytes(*pieces)
    text, words = merge_words(tokenizer.ids, tokenizer)
    assert all(text[word.start : word.end] == word.text for word in words)
    return [(word.text, word.tokens) for word in words]


def test_sub_words_are_merged_and_punctuation_is_no_word() -> None:
    assert split("a", " str", "iped", " circ", "le", ",", " left", ".") == [
        ("a", (0,)),
        ("striped", (1, 2)),
        ("circle", (3, 4)),
        ("left", (6,)),
    ]


def test_a_token_across_a_border_belongs_to_both_words() -> None:
    assert split("red c", "ircle") == [("red", (0,)), ("circle", (0, 1))]


@pytest.mark.parametrize("word", ["it's", "dog’s", "well-known", "l'été"])
def test_apostrophes_and_hyphens_join(word: str) -> None:
    assert split("the", f" {word}", " x") == [("the", (0,)), (word, (1,)), ("x", (2,))]


def test_hyphens_at_an_end_do_not_join() -> None:
    assert [word for word, _ in split("- red -", " 'blue'")] == ["red", "blue"]


def test_bytes_of_one_character_stay_together() -> None:
    snow = "雪".encode()
    assert split("a ", snow[:1], snow[1:2], snow[2:], "!") == [("a", (0,)), ("雪", (1, 2, 3))]
    accent = "é".encode()
    assert split("caf", accent[:1], accent[1:], " au") == [("café", (0, 1, 2)), ("au", (3,))]


def test_scripts_without_spaces_go_token_by_token() -> None:
    assert split("红色", "的", "圆形") == [("红色", (0,)), ("的", (1,)), ("圆形", (2,))]
    assert split("สุนัข", "สี", "แดง") == [("สุนัข", (0,)), ("สี", (1,)), ("แดง", (2,))]


def test_marks_belong_to_their_letters() -> None:
    assert [word for word, _ in split("लाल", " वृत्त", " है")] == ["लाल", "वृत्त", "है"]
    assert [word for word, _ in split("דג", "ים אד", "ומים")] == ["דגים", "אדומים"]


def test_an_answer_without_words() -> None:
    assert split("...", "!") == []
    assert split() == []


def test_bytes_that_never_become_a_character_are_no_word() -> None:
    assert split("ok ", b"\xe9\x9b") == [("ok", (0,))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a small red circle in the corner", ["a small red circle", "the corner"]),
        ("a dog and a cat", ["a dog", "a cat"]),
        ("two men, a boat", ["two men", "a boat"]),
        ("it is on the table", ["the table"]),
        ("the", []),
        ("red", ["red"]),
    ],
)
def test_noun_phrases(text: str, expected: list[str]) -> None:
    tokenizer = Bytes(*text.replace(" ", "\0 ").split("\0"))
    whole, words = merge_words(tokenizer.ids, tokenizer)
    assert whole == text
    found = [
        text[words[first].start : words[last - 1].end] for first, last in noun_phrases(text, words)
    ]
    assert found == expected
