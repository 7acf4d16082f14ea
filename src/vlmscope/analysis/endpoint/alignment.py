"""Which characters of an answer each token writes, when only the tokens' texts are known.

Endpoints write the space before a word in many ways (" red", "red", "▁red"), so spaces do not count:
a token has the characters that are none, and the space before a word goes with the word.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Span", "aligned", "bare", "before", "tail", "tokens_of_word"]

_SPACES = (b" ", b"\t", b"\n", b"\r", "\u2581".encode(), "\u0120".encode(), "\u010a".encode())

Span = tuple[int, int]


def bare(text: bytes) -> bytes:
    """A token's text without spaces, however they are written."""
    for space in _SPACES:
        text = text.replace(space, b"")
    return text


def aligned(answer: str, pieces: Sequence[bytes]) -> list[Span] | None:
    """Per token the (first, last + 1) of its bytes in ``answer`` without spaces; None: they do not spell it.

    Tokens behind the end of the answer, such as one that ends it, are left out.

    Args:
        answer: what the tokens write.
        pieces: what each of them writes, in UTF-8.
    """
    wanted = bare(answer.encode())
    spans: list[Span] = []
    place = 0
    for piece in pieces:
        if place == len(wanted):
            break
        written = bare(piece)
        if not wanted.startswith(written, place):
            return None
        spans.append((place, place + len(written)))
        place += len(written)
    return spans if place == len(wanted) and wanted else None


def tail(answer: str, pieces: Sequence[bytes]) -> int | None:
    """How many of the last tokens write ``answer``; None: they end with something else.

    Args:
        answer: what stands at the end.
        pieces: what each token of the whole sequence writes.
    """
    wanted = bare(answer.encode())
    for count, piece in enumerate(reversed(pieces), start=1):
        written = bare(piece)
        if not wanted.endswith(written):
            return None
        wanted = wanted[: len(wanted) - len(written)]
        if not wanted:
            return count
    return None


def before(answer: str, start: int) -> str:
    """The part of ``answer`` in front of a token, without the space between.

    Args:
        answer: the whole.
        start: of the token, in bytes without spaces.
    """
    end = 0
    for index, character in enumerate(answer):
        if start <= 0:
            break
        start -= len(bare(character.encode()))
        end = index + 1
    return answer[:end]


def tokens_of_word(answer: str, word: str, spans: Sequence[Span]) -> tuple[int, ...]:
    """Indices of the tokens that write a word or phrase of the answer; empty: it does not hold it.

    Args:
        answer: the whole.
        word: at the first place where it stands between spaces or signs, whatever its case.
        spans: of the tokens.
    """
    text, wanted = answer.casefold(), word.casefold().strip()
    place = text.find(wanted) if wanted and len(text) == len(answer) else -1
    while place >= 0:
        end = place + len(wanted)
        if not text[place - 1 : place].isalnum() and not text[end : end + 1].isalnum():
            first = len(bare(answer[:place].encode()))
            last = len(bare(answer[:end].encode()))
            return tuple(
                index for index, (low, high) in enumerate(spans) if low < last and high > first
            )
        place = text.find(wanted, place + 1)
    return ()
