"""The help of a command with its options in groups, by what they are about.

A group of options says its panel once, as a class attribute of the dataclass that declares them; an
option that stands alone says its own (typer's ``rich_help_panel``). Help stays plain text: it is read in
pipes, too.
"""

from __future__ import annotations

import copy
import typing
from collections.abc import Sequence
from typing import Annotated, Any

from typer.core import TyperCommand

__all__ = ["METHOD", "GroupedCommand", "in_panel"]

METHOD = "Method"
_ORDER = ("Input", "Model", METHOD, "Post-processing")  # then others as they come, then these:
_LAST = ("Output", "Options")


class GroupedCommand(TyperCommand):
    """A command whose help lists arguments and options by panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section per panel; called by click."""
        panels: dict[str, list[tuple[str, str]]] = {}
        parameters = self.get_params(ctx)
        grouped = any(getattr(each, "rich_help_panel", None) for each in parameters)
        for parameter in parameters:
            record = parameter.get_help_record(ctx)
            if record is not None:
                panels.setdefault(_panel_of(parameter, grouped), []).append(record)
        for title in _ordered(list(panels)):
            with formatter.section(title):
                formatter.write_dl(panels[title])


def in_panel(hint: Any, panel: str) -> Any:
    """An annotation of a parameter whose option stands in a panel, unless it names one itself."""
    if typing.get_origin(hint) is not Annotated:
        return hint
    kind, *about = typing.get_args(hint)
    placed = []
    for each in about:
        if getattr(each, "rich_help_panel", panel) is None:
            each = copy.copy(each)  # an option may be shared by groups
            each.rich_help_panel = panel
        placed.append(each)
    return Annotated.__class_getitem__((kind, *placed))  # type: ignore[attr-defined]


def _panel_of(parameter: Any, grouped: bool) -> str:
    own = getattr(parameter, "rich_help_panel", None)
    if own:
        return str(own)
    if parameter.param_type_name == "argument":
        return "Input" if grouped else "Arguments"
    return "Options"


def _ordered(titles: Sequence[str]) -> list[str]:
    named = {*_ORDER, *_LAST}
    between = [title for title in titles if title not in named]
    wanted = ("Arguments", *_ORDER, *between, *_LAST)
    return [title for title in dict.fromkeys(wanted) if title in titles]
