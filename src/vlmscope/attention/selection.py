"""Which rows, layers and heads are meant, checked before anything runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vlmscope.attention.instrument import Binding, Forward
from vlmscope.errors import AttentionError, UnknownNameError
from vlmscope.models import LoadedModel
from vlmscope.types import Answer, Head, TokenMap

__all__ = ["ROWS", "HeadChoice", "RowChoice", "check_layers", "check_row_layers"]

ROWS = ("last_text", "last_input", "phrase", "generated", "box")

# while a model answers it is not yet known which of its rows write a box: all are kept until then
_ANSWER_ROWS = ("generated", "box")

# reads an answer (its text, its token map) for boxes
AnswerReader = Callable[[str, TokenMap], Answer]


def check_layers(layers: Iterable[int], count: int) -> tuple[int, ...]:
    """Layer numbers, ascending and unique.

    Raises:
        AttentionError: when one is out of range, or none is given.
    """
    numbers = tuple(sorted({int(layer) for layer in layers}))
    wrong = [number for number in numbers if not 0 <= number < count]
    if wrong or not numbers:
        what = f"layer {wrong[0]} does not exist" if wrong else "no layer was given"
        raise AttentionError(f"The decoder has layers 0 to {count - 1}; {what}.")
    return numbers


def check_row_layers(model: LoadedModel, layers: Iterable[int]) -> tuple[int, ...]:
    """Layer numbers, ascending and unique, all of them with attention rows.

    Raises:
        AttentionError: when one is out of range, or has no rows; or none is given.
    """
    numbers = check_layers(layers, model.decoder_shape[0])
    rowless = [number for number in numbers if number not in model.row_layers]
    if rowless:
        raise AttentionError(
            f"Layer {rowless[0]} of {model.id} has no attention rows; layers with rows: "
            f"{', '.join(map(str, model.row_layers))}."
        )
    return numbers


@dataclass(frozen=True)
class HeadChoice:
    """Heads to read, by layer.

    Attributes:
        by_layer: layer -> ascending head numbers.
        total: heads per layer.
    """

    by_layer: dict[int, tuple[int, ...]]
    total: int

    @classmethod
    def of_model(
        cls,
        model: LoadedModel,
        layers: Iterable[int] | None,
        heads: Iterable[int] | Iterable[tuple[int, int]] | None,
    ) -> HeadChoice:
        """Heads whose rows are read; ``layers=None``: all that have rows.

        Raises:
            AttentionError: a layer or head that does not exist, or a layer without rows.
        """
        listed: Any = None if heads is None else list(heads)
        pairs = any(isinstance(each, tuple | list) for each in listed or ())
        rowed = model.row_layers if layers is None and not pairs else layers
        choice = cls.of(model.decoder_shape, rowed, listed)
        check_row_layers(model, choice.by_layer)
        return choice

    @classmethod
    def of(
        cls,
        shape: tuple[int, int],
        layers: Iterable[int] | None,
        heads: Iterable[int] | Iterable[tuple[int, int]] | None,
    ) -> HeadChoice:
        """Check and sort; ``heads`` may be numbers or (layer, head) pairs."""
        count, total = shape
        listed = None if heads is None else list(heads)
        if listed and any(isinstance(each, tuple | list) for each in listed):  # JSON has lists
            if layers is not None:
                raise AttentionError("Give layers, or (layer, head) pairs as heads, not both.")
            return cls._of_pairs(shape, _pairs(listed))
        chosen = check_layers(range(count) if layers is None else layers, count)
        numbers = cls._check_heads(range(total) if listed is None else listed, total)  # type: ignore[arg-type]
        return cls(dict.fromkeys(chosen, numbers), total)

    @classmethod
    def _of_pairs(cls, shape: tuple[int, int], pairs: Sequence[tuple[int, int]]) -> HeadChoice:
        count, total = shape
        layers = check_layers((layer for layer, _ in pairs), count)
        by_layer = {
            layer: cls._check_heads((head for at, head in pairs if at == layer), total)
            for layer in layers
        }
        return cls(by_layer, total)

    @staticmethod
    def _check_heads(heads: Iterable[int], total: int) -> tuple[int, ...]:
        numbers = tuple(sorted({int(head) for head in heads}))
        wrong = [number for number in numbers if not 0 <= number < total]
        if wrong or not numbers:
            what = f"head {wrong[0]} does not exist" if wrong else "no head was given"
            raise AttentionError(f"Each layer has heads 0 to {total - 1}; {what}.")
        return numbers

    def count(self, layer: int) -> int:
        """How many heads are read in a layer."""
        return len(self.by_layer[layer])

    def index(self, head: Head) -> int:
        """Where a head stands among those read in its layer."""
        try:
            return self.by_layer[head.layer].index(head.head)
        except (KeyError, ValueError):
            raise AttentionError(f"{head} was not captured.") from None

    def tensor(self, layer: int, device: torch.device) -> Tensor | None:
        """Int64 (heads,), or None when all are read."""
        numbers = self.by_layer[layer]
        if len(numbers) == self.total:
            return None
        return torch.tensor(numbers, device=device)


def _pairs(listed: Sequence[object]) -> list[tuple[int, int]]:
    pairs = []
    for each in listed:
        if not isinstance(each, tuple | list) or len(each) != 2:
            raise AttentionError(
                f"Heads are numbers, or (layer, head) pairs, not both, got {each!r} among them."
            )
        pairs.append((int(each[0]), int(each[1])))
    return pairs


@dataclass(frozen=True)
class RowChoice:
    """Rows to read: a name of :data:`ROWS`, or positions.

    Attributes:
        name: the name, or None for positions.
        positions: of one prompt; negative ones count from its end.
        reader: for ``"box"``: how the model's answers are read.
    """

    name: str | None
    positions: tuple[int, ...] = ()
    reader: AnswerReader | None = None

    @classmethod
    def of(cls, rows: str | int | Sequence[int], reader: AnswerReader | None = None) -> RowChoice:
        """Check a ``rows`` argument."""
        if isinstance(rows, str):
            if rows not in ROWS:
                raise UnknownNameError("row", rows, ROWS, "Or give positions.")
            return cls(rows, reader=reader)
        numbers = (rows,) if isinstance(rows, int) else tuple(int(row) for row in rows)
        if not numbers:
            raise AttentionError("rows names no position; give at least one.")
        return cls(None, numbers)

    def resolve(self, forward: Forward) -> tuple[Tensor, Tensor] | None:
        """Absolute positions and validity, (batch or 1, rows) each, that this pass computes.

        Returns None when the pass computes none of them.
        """
        binding = forward.binding
        if binding is None:
            positions = self._by_hand(forward)
            valid = (positions >= forward.past) & (positions < forward.past + forward.queries)
        else:
            wanted = [self._wanted(token_map, binding, forward) for token_map in binding.token_maps]
            positions, valid = _stack(wanted)
        return (positions, valid) if bool(valid.any()) else None

    def _by_hand(self, forward: Forward) -> Tensor:
        if self.name not in (None, "last_input", "generated"):
            raise AttentionError(
                f"rows={self.name!r} needs to know what each position is. Run the model through "
                "vlmscope.prefill or vlmscope.generate, or ask for 'last_input' or positions."
            )
        end = forward.past + forward.queries
        if self.name is None:
            return torch.tensor([[p if p >= 0 else end + p for p in self.positions]])
        if forward.padding is None or bool(forward.padding[:, -1].all()):
            return torch.tensor([[end - 1]])
        numbers = torch.arange(forward.padding.shape[1], device=forward.padding.device)
        return (numbers * forward.padding).amax(-1, keepdim=True).cpu()

    def _wanted(self, token_map: TokenMap, binding: Binding, forward: Forward) -> list[int]:
        start, end = forward.past, forward.past + forward.queries
        return [p for p in self._all(token_map, binding, end) if start <= p < end]

    def _all(self, token_map: TokenMap, binding: Binding, end: int) -> list[int]:
        if self.name is None:
            return self._explicit(token_map, binding, end)
        rows: set[int] = set()
        if self.name == "box" and not binding.generating:
            for start, stop in binding.prompts(token_map):
                rows |= set(self.of_box(token_map, start, stop))
            return sorted(rows)
        for start, stop in binding.prompts(token_map):
            rows |= self._of_prompt(token_map, start, stop)
        if self.name in _ANSWER_ROWS and binding.generating:
            last_prompt = int(token_map.positions("text")[-1])
            rows |= {last_prompt, *range(len(token_map), end)}
        return sorted(rows)

    def of_box(self, token_map: TokenMap, start: int = 0, stop: int | None = None) -> list[int]:
        """The rows that predict the coordinates of an answer's first box.

        Args:
            token_map: of prompt and answer.
            start, stop: of the prompt in it.

        Raises:
            AttentionError: there is no answer, or no box in it; says what is wrong with it.
        """
        generated = token_map.positions("generated")
        stop = len(token_map) if stop is None else stop
        positions = [int(position) for position in generated if start <= position < stop]
        if not positions:
            raise AttentionError(
                "rows='box' reads an answer, and there is none. Give Prompt(text, answer=...), or let "
                "the model answer: vlmscope.generate inside the capture."
            )
        assert self.reader is not None  # RowChoice.of is given one wherever a model is known
        words = [token_map.tokens[position] for position in positions]
        answer = self.reader("".join(words), token_map)
        if not answer.boxes:
            raise AttentionError(
                f"rows='box' found no box in the answer. {' '.join(answer.problems)}"
            )
        ends = list(itertools.accumulate(len(word) for word in words))
        return [
            position - 1  # the row before predicts the token
            for position, word, end in zip(positions, words, ends, strict=True)
            if any(end - len(word) < last and end > first for first, last in answer.boxes[0].spans)
        ]

    def _of_prompt(self, token_map: TokenMap, start: int, stop: int) -> set[int]:
        role = {"last_input": "text", "generated": "generated", "box": "generated"}.get(
            str(self.name), "phrase"
        )
        positions = token_map.positions(role)
        inside = [int(position) for position in positions if start <= position < stop]
        if self.name in _ANSWER_ROWS:
            return {position - 1 for position in inside}  # the row before predicts the token
        return set(inside if self.name == "phrase" else inside[-1:])

    def _explicit(self, token_map: TokenMap, binding: Binding, end: int) -> list[int]:
        real = token_map.roles.nonzero()[0]
        first, last = int(real[0]), int(real[-1])
        limit = max(last, end - 1) if binding.generating else last
        absolute = [p + first if p >= 0 else last + 1 + p for p in self.positions]
        wrong = [
            position
            for position, p in zip(self.positions, absolute, strict=True)
            if not first <= p <= limit
        ]
        if wrong:
            count = last - first + 1
            raise AttentionError(
                f"The prompt has positions 0 to {count - 1} (or -{count} to -1); position {wrong[0]} "
                "does not exist."
            )
        return sorted(set(absolute))


def _stack(wanted: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    width = max(1, max(len(row) for row in wanted))
    positions = torch.zeros(len(wanted), width, dtype=torch.long)
    valid = torch.zeros(len(wanted), width, dtype=torch.bool)
    for index, row in enumerate(wanted):
        positions[index, : len(row)] = torch.tensor(list(row), dtype=torch.long)
        valid[index, : len(row)] = True
    return positions, valid
