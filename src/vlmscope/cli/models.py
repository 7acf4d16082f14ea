"""``vlmscope models``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.console import emit_json, emit_table, note

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return models


def models(as_json: AsJson = False) -> None:
    """List the models that are known by name.

    Any other LLaVA-like model works too: by its hub id, or by the folder that holds it.
    """
    from vlmscope.models import catalogue

    cards = catalogue()
    if as_json:
        emit_json(
            [
                {
                    "id": card.id,
                    "family": card.family,
                    "size": card.size,
                    "licence": card.licence,
                    "embedded": card.embedded,
                    "notes": card.notes,
                }
                for card in cards
            ]
        )
        return
    rows = [(card.id, card.family, card.size, card.licence, card.notes) for card in cards]
    emit_table(("id", "family", "size", "licence", "notes"), rows)
    note("Any other checkpoint of a covered family works by its hub id or its folder.")
