"""The request that an engine has served, as a JSON file says it (docs/serving.md, The request)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.io import missing_file, parse_json, unread
from vlmscope.models import Prompt

__all__ = ["FIELDS", "ServedRequest", "TensorPlace"]

FIELDS = (
    *("model", "revision", "image", "prompt", "messages"),
    *("phrase", "preset", "placement", "layers"),
)
"""What a request may say; see the schema in docs/serving.md."""

_EXAMPLE = '"layers": {"14": "layer_14"}'


@dataclass(frozen=True)
class TensorPlace:
    """Where the hidden states of one layer stand in the file.

    Attributes:
        tensor: name of the tensor.
        column: which of its layers, for a tensor (positions, layers, width); None: it is of one.
    """

    tensor: str
    column: int | None = None


@dataclass(frozen=True)
class ServedRequest:
    """What was asked of an engine, and where its hidden states are.

    Attributes:
        model: embedded id, hub id or folder of the checkpoint that was served.
        revision: commit on the hub, or fingerprint of a folder (``sha256:...``); None: not said.
        image: the picture that was sent.
        prompt: what was asked, and which part of it is the phrase.
        preset: how it was written; None: as the heads were discovered.
        placement: how the image was fitted; None: the family's default.
        layers: by decoder layer, the place of its INPUT hidden states.
    """

    model: str
    revision: str | None
    image: Path
    prompt: Prompt
    preset: str | None
    placement: str | None
    layers: Mapping[int, TensorPlace]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ServedRequest:
        """Read a request file; a relative image lies beside it.

        Raises:
            BadOptionError: no such file, no JSON, or fields that are missing, wrong or of no kind.
            UnknownNameError: a field that there is none of.
            UnsupportedError: messages that vlmscope does not write.
        """
        file = Path(path)
        missing = missing_file(file, "request file")
        if missing is not None:
            raise BadOptionError(f"{missing} --request names a JSON file; see docs/serving.md.")
        try:
            value = parse_json(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadOptionError(f"The request {file} cannot be read: {unread(error)}.") from error
        return cls.of(value, file.parent)

    @classmethod
    def of(cls, value: Any, folder: Path) -> ServedRequest:
        """A request from the value of its JSON; raises as :meth:`read`."""
        if not isinstance(value, Mapping):
            raise BadOptionError(f"A request is a JSON object, got {type(value).__name__}.")
        for name in value:
            if name not in FIELDS:
                raise UnknownNameError("field of a request", name, FIELDS, "See docs/serving.md.")
        words, preset = _asked(value)
        return cls(
            model=_text(value, "model"),
            revision=_optional(value, "revision"),
            image=folder / _text(value, "image"),
            prompt=_with_phrase(Prompt(words), _optional(value, "phrase")),
            preset=preset,
            placement=_optional(value, "placement"),
            layers=_layers(value),
        )

    def asking(self, phrase: str) -> ServedRequest:
        """The same request with another part of its prompt as the phrase.

        Raises:
            BadOptionError: the prompt does not hold it, or more than once.
        """
        return replace(self, prompt=_with_phrase(self.prompt, phrase))


def _asked(value: Mapping[str, Any]) -> tuple[str, str | None]:
    """The words that were asked, and the preset that wrote them."""
    preset = _optional(value, "preset")
    if ("prompt" in value) == ("messages" in value):
        raise BadOptionError(
            "A request says what was asked either by prompt, a text, or by messages, as a chat API takes "
            f"them; this one has {'both' if 'prompt' in value else 'neither'}."
        )
    if "prompt" in value:
        return _text(value, "prompt"), preset
    return _of_messages(value["messages"]), preset or "chat"


def _of_messages(messages: Any) -> str:
    """The text of one user message with one picture in front of one text."""
    refused = UnsupportedError(
        "messages of a request hold one message of the user: one picture, then one text. Other prompts "
        "(a system message, an answer, several pictures) are not read from a request: use "
        "vlmscope.rows_from_hidden_states with a token map of your own."
    )
    if not isinstance(messages, Sequence) or isinstance(messages, str) or len(messages) != 1:
        raise refused
    [message] = messages
    content = message.get("content") if isinstance(message, Mapping) else None
    if not isinstance(content, list) or message.get("role") != "user" or len(content) != 2:
        raise refused
    kinds = [part.get("type") if isinstance(part, Mapping) else None for part in content]
    if kinds[0] not in ("image", "image_url") or kinds[1] != "text":
        raise refused
    return _text(content[1], "text")


def _with_phrase(prompt: Prompt, phrase: str | None) -> Prompt:
    if phrase is None:
        return prompt
    count = prompt.text.count(phrase) if phrase.strip() else 0
    if count != 1:
        raise BadOptionError(
            f"The phrase {phrase!r} stands {count} times in what was asked, {prompt.text!r}. It has to be "
            "the one place that names what is to be found."
        )
    start = prompt.text.index(phrase)
    return replace(prompt, phrase=(start, start + len(phrase)))


def _layers(value: Mapping[str, Any]) -> dict[int, TensorPlace]:
    layers = value.get("layers")
    if not isinstance(layers, Mapping) or not layers:
        raise BadOptionError(
            f"The request names no layers: say which tensor is the input of which layer, {_EXAMPLE}."
        )
    places = {_number(key): _place(key, place) for key, place in layers.items()}
    if len(set(places.values())) < len(layers):
        raise BadOptionError(
            "The request names one tensor as the input of two layers, and each layer has its own. Say "
            f"which is which, {_EXAMPLE}."
        )
    return places


def _number(key: str) -> int:
    if not (key.isascii() and key.isdigit()):
        raise BadOptionError(
            f"layers are numbered from 0, got {key!r} as a number: write {_EXAMPLE}."
        )
    return int(key)


def _place(key: str, place: Any) -> TensorPlace:
    if isinstance(place, str) and place:
        return TensorPlace(place)
    if isinstance(place, Mapping) and set(place) == {"tensor", "column"}:
        name, column = place["tensor"], place["column"]
        if isinstance(name, str) and name and type(column) is int and column >= 0:
            return TensorPlace(name, column)
    raise BadOptionError(
        f"Layer {key} of the request is {place!r}, and the name of a tensor is needed, or of one with "
        'several layers {"tensor": "hidden_states", "column": 0}.'
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text.strip():
        got = "it is not there" if name not in value else f"got {text!r}"
        raise BadOptionError(
            f"A request needs the field {name}, a text: {got}. See docs/serving.md."
        )
    return text


def _optional(value: Mapping[str, Any], name: str) -> str | None:
    return None if value.get(name) is None else _text(value, name)
