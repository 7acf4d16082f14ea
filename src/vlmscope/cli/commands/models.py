"""``vlmscope models``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.console import emit, emit_json, emit_table, note
from vlmscope.errors import UnknownNameError

if TYPE_CHECKING:
    from vlmscope.models import ModelCard
    from vlmscope.models.decoders.family import Family
    from vlmscope.models.family_registry import AnyFamily

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return models


def models(
    family: Annotated[
        str | None,
        typer.Option("--family", metavar="FAMILY", help="Say all about one.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the families that are covered, with well-known checkpoints of each.

    Any other checkpoint of a covered family works too: by its hub id, or by its folder.
    """
    from vlmscope.models.families import UNAVAILABLE

    chosen = _chosen(family)
    if as_json:
        listed = [asdict(each) for each in chosen]
        emit_json(listed[0] if family else {"families": listed, "unavailable": dict(UNAVAILABLE)})
    elif family:
        _show_family(chosen[0])
    else:
        _show_checkpoints(chosen)
        emit("")
        _show_families(chosen)
        emit("")
        for name, reason in UNAVAILABLE.items():
            emit(f"{name} {reason}.")
        note("Any other checkpoint of a covered family works by its hub id or its folder.")
        note("What a family cannot do, or does in its own way: vlmscope models --family FAMILY")


@dataclass(frozen=True)
class Listed:
    """What is said of one family.

    Attributes:
        id: of the family.
        kind: ``decoder`` (its language model reads the image) or ``encoder`` (image and text meet
            in one space).
        model_types: values of ``model_type`` in ``config.json``.
        works: what can be done with it.
        limits: what it cannot do.
        needs: packages that it works with alone and that vlmscope does not install.
        presets: ways to write a prompt, the default first.
        placements: ways to fit an image, the default first.
        checkpoints: that are known by name.
    """

    id: str
    kind: str
    model_types: tuple[str, ...]
    works: tuple[str, ...]
    limits: tuple[str, ...]
    needs: tuple[str, ...]
    presets: tuple[str, ...]
    placements: tuple[str, ...]
    checkpoints: tuple[dict[str, Any], ...]


def _chosen(family: str | None) -> list[Listed]:
    """Every family, or the one that was named.

    Raises:
        UnknownNameError: when none has this name.
    """
    from vlmscope.models import FAMILIES, catalogue

    cards = catalogue()
    listed = [
        _listed(each, [card for card in cards if card.family == each.id]) for each in FAMILIES
    ]
    if family is None:
        return listed
    named = [each for each in listed if each.id == family]
    if not named:
        raise UnknownNameError(
            "family", family, [each.id for each in listed], where="See: vlmscope models"
        )
    return named


def _listed(family: AnyFamily, cards: list[ModelCard]) -> Listed:
    from vlmscope.models import DualFamily

    encoder = isinstance(family, DualFamily)
    return Listed(
        id=family.id,
        kind="encoder" if encoder else "decoder",
        model_types=family.model_types,
        works=_works(family),
        limits=family.notes if isinstance(family, DualFamily) else family.limits,
        needs=() if isinstance(family, DualFamily) else _needs(family),
        presets=() if isinstance(family, DualFamily) else family.presets,
        placements=() if isinstance(family, DualFamily) else family.placements,
        checkpoints=tuple(_checkpoint(card) for card in cards),
    )


def _works(family: AnyFamily) -> tuple[str, ...]:
    from vlmscope.models import DualFamily

    if isinstance(family, DualFamily):
        return ("heat maps and boxes of phrases", "segmentation")
    hybrid = " (in its full-attention layers only)" if family.recurrent else ""
    can = [f"rows, knock-outs, grounding{hybrid}"]
    if family.causal_image:
        can.append("shared image prefix")
    if family.many_images:
        can.append("several images")
    return tuple(can)


def _needs(family: Family) -> tuple[str, ...]:
    torchvision = "torchvision, the build that belongs to your torch"
    if family.timm:
        return "timm", torchvision
    return (torchvision,) if family.torchvision else ()


def _checkpoint(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "size": card.size,
        "licence": card.licence,
        "embedded": card.embedded,
        "notes": card.notes,
    }


def _show_checkpoints(families: list[Listed]) -> None:
    rows = [
        (card["id"], family.id, card["size"], card["licence"], card["notes"])
        for family in families
        for card in family.checkpoints
    ]
    embedded = {card["id"] for each in families for card in each.checkpoints if card["embedded"]}
    rows.sort(key=lambda row: row[0] not in embedded)  # stable: the rest keeps its order
    emit_table(("id", "family", "size", "licence", "notes"), rows)


def _show_families(families: list[Listed]) -> None:
    rows = [
        (
            each.id,
            each.kind,
            ", ".join(each.model_types),
            "; ".join(each.works),
            "; ".join(each.needs) or "-",
        )
        for each in families
    ]
    emit_table(("family", "kind", "model types", "works", "needs"), rows)


def _show_family(family: Listed) -> None:
    rows = [
        ("kind", family.kind),
        ("model types", ", ".join(family.model_types)),
        *(("works", text) for text in family.works),
        *(("needs", text) for text in family.needs),
        *(("cannot, or in its own way", text) for text in family.limits),
        ("presets", ", ".join(family.presets) or "-"),
        ("placements", ", ".join(family.placements) or "-"),
    ]
    emit_table(("family", family.id), rows)
    emit("")
    _show_checkpoints([family])
