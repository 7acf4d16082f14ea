"""Which methods are measured, under which options, and what each is called in the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from vlmscope.errors import BadOptionError, UnknownNameError, UnsupportedError
from vlmscope.evaluation.answers import ANSWER
from vlmscope.methods import Method, ground_options, methods
from vlmscope.methods.base import check_accepts, with_proxy
from vlmscope.methods.catalogue import METHODS
from vlmscope.methods.encoder import DenseMethod, DenseOptions
from vlmscope.methods.encoder.protocols import FREE, SegmentationProtocol
from vlmscope.methods.encoder.proxyclip import ProxyClip
from vlmscope.methods.encoder.sliding import SlidingWindows
from vlmscope.models import DualEncoder, LoadedModel, PatchTower
from vlmscope.options import change_options, parse_option
from vlmscope.registry import Registry

__all__ = [
    "MEASURED",
    "ConfiguredMethod",
    "MethodChoice",
    "choose",
    "configure_methods",
    "split_options",
    "with_tower",
]

MEASURED: Registry[Method] = Registry("method", (*METHODS, ANSWER), "See: vlmscope methods")
"""What can be measured: all methods, and the boxes that a model writes itself."""


@dataclass(frozen=True)
class MethodChoice:
    """A method and what is changed of its options, before there is a model.

    Attributes:
        label: what it is called in the report: the method's id, or ``gem@NAME`` for one of several.
        method: the method.
        changes: values by option.
    """

    label: str
    method: Method
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class ConfiguredMethod:
    """A method on a model under options.

    Attributes:
        label: what it is called in the report.
        method: the method.
        options: an instance of the method's options.
        protocol: what fixes how pixels get their classes.
    """

    label: str
    method: Method
    options: Any
    protocol: SegmentationProtocol = FREE

    @property
    def record(self) -> dict[str, Any]:
        """What is to be said of the method beside its options: the second tower of proxyclip."""
        return self.method.record() if isinstance(self.method, DenseMethod) else {}

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of method, options, second tower and protocol, not of the label."""
        ruled = [self.protocol.to_dict()] if self.protocol.fixed else []
        parts = [self.method.id, asdict(self.options), *filter(None, [self.record]), *ruled]
        content = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def with_tower(choices: Sequence[MethodChoice], tower: PatchTower) -> tuple[MethodChoice, ...]:
    """Chosen methods, proxyclip among them with its second tower.

    Raises:
        BadOptionError: no method among them has a use for one.
    """
    uses = [choice.method.id == ProxyClip.id for choice in choices]
    if not any(uses):
        raise BadOptionError(
            "A second vision tower (--proxy) is for proxyclip, which is not among the methods. Name it, "
            "or leave the tower out."
        )
    return tuple(
        replace(choice, method=with_proxy(choice.method, tower)) if use else choice
        for choice, use in zip(choices, uses, strict=True)
    )


def split_options(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """``["gem.temperature=perplexity,gem.depth=6"]`` -> label -> option -> value, all texts.

    Raises:
        BadOptionError: a text of another form, or an option given twice.
    """
    by_label: dict[str, dict[str, str]] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        place, equals, value = part.partition("=")
        label, dot, name = place.rpartition(".")
        if not (equals and dot and label and name and value.strip()):
            raise BadOptionError(
                f"An option of a method is written METHOD.OPTION=VALUE, got {part!r}. "
                "For example: gem.temperature=perplexity"
            )
        name = name.strip().replace("-", "_")
        if name in by_label.setdefault(label.strip(), {}):
            raise BadOptionError(f"The option {place} is given twice. Give it once.")
        by_label[label.strip()][name] = value.strip()
    return by_label


def choose(
    names: Sequence[str],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    shared: Mapping[str, Any] | None = None,
) -> tuple[MethodChoice, ...]:
    """Check names and options of methods; no model is needed.

    Args:
        names: ids of methods; ``gem@wide`` is gem once more, under a name of its own.
        options: label -> option -> value; texts are read as the option's type.
        shared: options of dense methods (``side``, ``keep_ratio``, ``templates``) for all of them;
            what ``options`` says of a run comes first. ``{"keep_ratio": False}`` squashes images,
            as GEM's protocol and ``vlmscope eval`` do.

    Raises:
        UnknownNameError: an unknown method or option, or options for a run that is not there.
        BadOptionError: a value that the option does not take, a label twice, or no method at all.
    """
    changes = dict(options or {})
    if not names:
        raise BadOptionError("No method was named. See: vlmscope methods")
    if len(set(names)) < len(names):
        raise BadOptionError(
            f"A method is named twice: {', '.join(names)}. Give each run a name: gem@wide."
        )
    for label in changes:
        if label not in names:
            raise UnknownNameError("method with options", label, names)
    return tuple(_choice(name, changes.get(name, {}), shared or {}) for name in names)


def configure_methods(
    model: LoadedModel | DualEncoder,
    choices: Sequence[MethodChoice] | None = None,
    shared: Mapping[str, Any] | None = None,
    protocol: SegmentationProtocol = FREE,
) -> tuple[ConfiguredMethod, ...]:
    """Chosen methods with their options on a model; without a choice every method that runs on it.

    ``answer`` is measured where it is asked for: it makes a model write, which takes its time.

    Raises:
        UnsupportedError: a method that does not run on the model, ``answer`` where its family has no
            documented way of writing boxes, or a method that no protocol is about.
        BadOptionError: options that evaluation has no use for, or that contradict the protocol.
    """
    if choices is None:
        ids = [method.id for method in methods() if method.accepts(model)]
        choices = choose(ids, shared=shared)
    for choice in choices:
        if choice.method is ANSWER:
            ANSWER.question(model, ANSWER.options(**choice.changes))  # says why, where it cannot
        else:
            check_accepts(choice.method, model)
    return tuple(_configured(choice, model, protocol) for choice in choices)


def _configured(
    choice: MethodChoice, model: LoadedModel | DualEncoder, protocol: SegmentationProtocol
) -> ConfiguredMethod:
    if protocol.fixed and not issubclass(choice.method.options, DenseOptions):
        raise UnsupportedError(
            f"The protocol {protocol.name} says how an image is seen and how its pixels get classes, and "
            f"the method {choice.label!r} has no options side, window and templates: it answers phrase "
            "by phrase. Leave the one or the other out."
        )
    protocol.check(choice.changes)
    if protocol.window and isinstance(model, DualEncoder):  # refused now, not at the first image
        SlidingWindows.over((1, 1), model.patch, protocol.side, protocol.window, protocol.stride)
    changes = {**protocol.defaults, **choice.changes, **protocol.options}
    options = ground_options(choice.method, model, changes)
    return ConfiguredMethod(choice.label, choice.method, options, protocol)


def _choice(label: str, options: Mapping[str, Any], shared: Mapping[str, Any]) -> MethodChoice:
    method = MEASURED.get(label.partition("@")[0])
    dense = issubclass(method.options, DenseOptions)
    changes = {**(shared if dense else {}), **_typed(method, options)}
    if changes.get("compete"):
        raise BadOptionError(
            "Evaluation keeps raw similarities; classes compete by arg-max in segmentation as it "
            f"is. Leave out {label}.compete."
        )
    change_options(
        method.options(),
        changes,
        f"option of {method.id}",
        where=f"See: vlmscope methods {method.id}",
    )
    return MethodChoice(label, method, changes)


def _typed(method: Method, options: Mapping[str, Any]) -> dict[str, Any]:
    """Texts read as what the options take; unknown names are left as they are, to be refused."""
    known = {field.name for field in fields(method.options)}
    return {
        name: parse_option(method.options, name, value)
        if isinstance(value, str) and name in known
        else value
        for name, value in options.items()
    }
