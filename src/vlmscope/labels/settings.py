"""What is asked of a job: all that changes its rows, and how its model is loaded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vlmscope.data.images import MAX_PIXELS
from vlmscope.data.text_files import TextFile
from vlmscope.errors import BadOptionError, BadPhraseError
from vlmscope.io import is_file
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.models.guard import check_model
from vlmscope.options import check_number
from vlmscope.types import HeadSet

__all__ = ["LabelSettings", "ModelSettings", "head_digest", "phrases_of"]

_DIGITS = 16
_MOST_PHRASES = 10_000


@dataclass(frozen=True)
class ModelSettings:
    """A model, and how it is loaded; see :func:`vlmscope.load`.

    Attributes:
        model: its name, or one that is loaded: then the job stays in this process.
        device: where it runs; None: a GPU of its own for every process, where there are any.
        dtype, revision, trust_remote_code, max_side, text_embeddings: as for :func:`vlmscope.load`.
    """

    model: str | LoadedModel | DualEncoder
    device: str | None = None
    dtype: Any = None
    revision: str | None = None
    trust_remote_code: bool = False
    max_side: int | None = None
    text_embeddings: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.model, str):
            return
        check_model(self.model)
        named = ("device", "dtype", "revision", "max_side", "text_embeddings")
        wrong = next((name for name in named if getattr(self, name) is not None), None)
        if wrong is not None:
            raise BadOptionError(
                f"{wrong} says how a model is loaded, and this one is loaded: {self.model.id}. Give its "
                "name, or leave it out."
            )

    @property
    def by_name(self) -> bool:
        """Whether another process can load it."""
        return isinstance(self.model, str)

    def on(self, device: str | None) -> ModelSettings:
        """The same on a device, where none was chosen."""
        return self if self.device is not None or not self.by_name else replace(self, device=device)

    def load(self) -> LoadedModel | DualEncoder:
        """The model. Raises what :func:`vlmscope.load` raises."""
        if not isinstance(self.model, str):
            return self.model
        from vlmscope.models import load

        keywords: dict[str, Any] = {"dtype": self.dtype, "device": self.device}
        if self.text_embeddings is not None:
            keywords["text_embeddings"] = self.text_embeddings
        return load(
            self.model,
            revision=self.revision,
            trust_remote_code=self.trust_remote_code,
            max_side=self.max_side,
            **keywords,
        )

    def asked(self) -> dict[str, Any]:
        """What was asked for, as JSON values; without the device, which changes no row."""
        embeddings = self.text_embeddings
        return {
            "model": self.model if isinstance(self.model, str) else self.model.id,
            "dtype": None if self.dtype is None else str(self.dtype).removeprefix("torch."),
            "revision": self.revision if isinstance(self.model, str) else self.model.revision,
            "max_side": self.max_side,
            "text_embeddings": None if embeddings is None else file_digest(embeddings),
        }


@dataclass(frozen=True)
class LabelSettings:
    """What is looked for, how, and what of it is kept.

    Attributes:
        phrases: looked for in every image; None: every row names its own.
        method, heads, placement, prompt, rows, refine_prompt: as for :func:`vlmscope.ground`.
        proxy, refine: names of a second tower and of a SAM, or the loaded ones.
        options: of the method.
        instances: a row for every object of a phrase, not for the first alone.
        masks: keep masks.
        least_score: objects below it are left out; None: none are.
        max_pixels: larger images fail.
    """

    phrases: tuple[str, ...] | None
    method: str | None = None
    heads: Any = None
    placement: str | None = None
    prompt: str | None = None
    rows: Any = None
    proxy: Any = None
    refine: Any = None
    refine_prompt: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    instances: bool = False
    masks: bool = False
    least_score: float | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if self.least_score is not None:
            check_number("least_score", self.least_score, at_least=-1e9)
        check_number("max_pixels", self.max_pixels, at_least=1, whole=True)

    @property
    def by_name(self) -> bool:
        """Whether another process can prepare all of it."""
        return all(each is None or isinstance(each, str) for each in (self.proxy, self.refine))

    def kept(self) -> dict[str, Any]:
        """What is certain before a model is loaded, as JSON values."""
        return {
            "phrases": None if self.phrases is None else list(self.phrases),
            "instances": self.instances,
            "masks": self.masks,
            "least_score": self.least_score,
            "max_pixels": self.max_pixels,
        }

    def asked(self) -> dict[str, Any]:
        """What was asked of the method; what it comes to, a model decides."""
        heads = self.heads
        if isinstance(heads, str | os.PathLike) and is_file(Path(heads)):
            heads = file_digest(heads)
        return {
            "method": self.method,
            "heads": head_digest(heads) if isinstance(heads, HeadSet) else _plain(heads),
            "placement": self.placement,
            "prompt": self.prompt,
            "rows": _plain(self.rows),
            "proxy": getattr(self.proxy, "id", self.proxy),
            "refine": getattr(self.refine, "name", self.refine),
            "refine_prompt": self.refine_prompt,
            "options": {name: _plain(value) for name, value in sorted(self.options.items())},
        }


def phrases_of(phrases: str | Sequence[str] | os.PathLike[str]) -> tuple[str, ...]:
    """Phrases as they are written: ``a,b``, a text file with one per line, or a list of texts.

    Raises:
        BadPhraseError: none, one that is no text or empty, or a file that cannot be read.
    """
    if isinstance(phrases, str | os.PathLike):
        text = os.fspath(phrases)
        listed: Sequence[Any] = _lines(text) if _is_list(text) else text.split(",")
        listed = [each for each in listed if each.strip()]
    else:
        listed = phrases
    for each in listed:
        if not isinstance(each, str) or not each.strip():
            raise BadPhraseError(f"Phrases are texts with words in them, got {each!r}.")
    texts = tuple(dict.fromkeys(each.strip() for each in listed))
    if not texts:
        raise BadPhraseError(
            f"There is no phrase in {phrases!r}. Give a,b or a text file with one phrase per line."
        )
    if len(texts) > _MOST_PHRASES:
        raise BadPhraseError(f"{len(texts):,} phrases are more than {_MOST_PHRASES:,}.")
    return texts


def head_digest(heads: HeadSet) -> str:
    """Of what a method reads of a head set: not of the evidence for it."""
    values = {
        "heads": [str(head) for head in heads.heads],
        "rows": heads.rows,
        "prompt": heads.prompt,
        "tau": heads.tau,
        "frequencies": [str(row.head) for row in heads.frequencies],
    }
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:_DIGITS]


def file_digest(path: str | os.PathLike[str]) -> str:
    """Of the contents of a file.

    Raises:
        BadOptionError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:_DIGITS]
    except OSError as error:
        raise BadOptionError(f"Cannot read {os.fspath(path)!r}: {error.strerror}.") from error


def _is_list(text: str) -> bool:
    return text.lower().endswith(".txt") or (is_file(Path(text)) and "," not in text)


def _lines(path: str) -> tuple[str, ...]:
    advice = "Give a text file with one phrase per line, or the phrases themselves: a,b,c."
    return TextFile.read(path, "list of phrases", advice).lines


def _plain(value: Any) -> Any:
    """A value as JSON has it; what it has no form for as Python shows it."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return repr(value)
