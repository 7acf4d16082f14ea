"""``vlmscope doctor``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.console import emit, emit_json, emit_table
from vlmscope.cli.footprint import Footprint, footprint

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return doctor


def doctor(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="Say what this model needs.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say what is installed, what works, and what a model needs.

    Nothing is downloaded but the model's configuration. Exit code 1 when something is wrong.
    """
    from vlmscope.cli import health

    needs = None if model is None else footprint(model)
    facts = {
        "versions": health.versions(),
        "machine": health.machine(),
        "accelerators": health.accelerators(),
        "kernels": health.kernels(),
        "extras": health.extras(),
        "model": None if needs is None else _about(needs),
        "problems": health.problems(),
    }
    if as_json:
        emit_json(facts)
    else:
        _show(facts)
    return 1 if facts["problems"] else 0


def _about(needs: Footprint) -> dict[str, Any]:
    return {
        "id": needs.model,
        "type": needs.model_type,
        "parameters": needs.parameters,
        "stored": needs.stored,
        "weights": needs.weights(),
    }


def _show(facts: dict[str, Any]) -> None:
    _section("Versions", ("package", "version"), list(facts["versions"].items()))
    machine = dict(facts["machine"])
    machine["memory"] = _size(machine["memory"])
    _section("Machine", ("what", "value"), list(machine.items()))
    gpus = [(gpu["device"], gpu["name"], _size(gpu["memory"])) for gpu in facts["accelerators"]]
    _section("Accelerators", ("device", "name", "memory"), gpus or [("none", "CPU only", "-")])
    rows = [(name, "yes" if usable else "no") for name, usable in facts["kernels"].items()]
    _section("Attention kernels", ("kernel", "usable"), rows)
    extras = [
        (each["extra"], each["version"] or "not installed", each["without"], each["install"])
        for each in facts["extras"]
    ]
    _section("Extras", ("extra", "version", "needed for", "get it with"), extras)
    if facts["model"] is not None:
        _show_model(facts["model"])
    emit("Problems")
    for problem in facts["problems"] or ["none"]:
        emit(f"  {problem}")


def _show_model(model: dict[str, Any]) -> None:
    rows = [("parameters", f"{model['parameters']:,}"), ("stored as", model["stored"])]
    rows += [(f"weights in {name}", _size(size)) for name, size in model["weights"].items()]
    _section(f"Model {model['id']} ({model['type']})", ("what", "value"), rows)
    emit("  An image and its prompt come on top: with rows read beside the model's own kernel")
    emit("  that is little more than the key-value cache; eager attention would need far more.")
    emit("")


def _section(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    emit(title)
    emit_table(("", *columns), [("", *row) for row in rows])
    emit("")


def _size(count: int | None) -> str:
    """Bytes as people read them."""
    if count is None:
        return "shared or unknown"
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:,.1f} GiB"
