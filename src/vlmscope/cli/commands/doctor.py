"""``vlmscope doctor``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vlmscope.cli.arguments import AsJson
from vlmscope.cli.completion import model_names
from vlmscope.cli.console import emit, emit_json, emit_table, own_stdout
from vlmscope.cli.loading import named

if TYPE_CHECKING:
    from vlmscope.doctor.footprint import Footprint
    from vlmscope.doctor.picture_cost import PictureCost

__all__ = ["command"]


def command(words: list[str]) -> Callable[..., Any]:
    """The function of this command."""
    return doctor


def doctor(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="Say what this model needs.",
            show_default=False,
            autocompletion=model_names,
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say what is installed, what works, and what a model needs before it is loaded.

    No weights are downloaded: only the model's configuration and its processor's files. Exit code 1
    when something is wrong, or when the model does not fit, has no processor, or is of no family that
    vlmscope covers.
    """
    from vlmscope.doctor import health
    from vlmscope.doctor.footprint import footprint

    with own_stdout():
        needs = None if model is None else footprint(named(model))
    device, free = health.free_memory()
    needed = None if needs is None else _needed(needs, device, free)
    facts = {
        "versions": health.versions(),
        "machine": health.machine(),
        "accelerators": health.accelerators(),
        "kernels": health.kernels(),
        "extras": health.extras(),
        "model": needed,
        "problems": [
            *health.problems(),
            *_unfit(needed),
            *(needs.faults if needs is not None else ()),
        ],
    }
    if as_json:
        emit_json(facts)
    else:
        _show(facts)
    return 1 if facts["problems"] else 0


def _needed(needs: Footprint, device: str, free: int | None) -> dict[str, Any]:
    """What a model needs beside what is free, as JSON values."""
    size = needs.needed_bytes
    return {
        "id": needs.model,
        "revision": needs.revision,
        "type": needs.model_type,
        "parameters": needs.parameters,
        "quantisation": needs.quantisation,
        "stored": None if needs.stored is None else dict(needs.stored),
        "stored_bytes": needs.stored_bytes,
        "asked": needs.asked,
        "weights": needs.weights(),
        "loads_as": needs.loads_as,
        "picture": None if needs.picture is None else _picture(needs.picture),
        "needed_bytes": size,
        "device": device,
        "free_bytes": free,
        "fits": None if size is None or free is None else size <= free,
    }


def _picture(cost: PictureCost) -> dict[str, Any]:
    from vlmscope.doctor.picture_cost import SIZE

    return {"height": SIZE[0], "width": SIZE[1], **asdict(cost)}


def _unfit(needed: dict[str, Any] | None) -> list[str]:
    """What keeps the model from being loaded here, each with its remedy."""
    from vlmscope.doctor.footprint import NO_WEIGHTS

    if needed is None:
        return []
    problems = _misfit(needed)
    if needed["asked"] == NO_WEIGHTS:
        problems.append(
            f"{needed['id']} cannot be loaded: {NO_WEIGHTS}. Fetch the checkpoint again, or give the "
            "folder that save_pretrained() wrote."
        )
    return problems


def _misfit(needed: dict[str, Any]) -> list[str]:
    if needed["fits"] is not False:
        return []
    return [
        f"{needed['id']} needs about {_size(needed['needed_bytes'])} and {needed['device']} has "
        f"{_size(needed['free_bytes'])} free. Load it in a smaller dtype, on another device, or "
        "spread with device_map='auto' (pip install 'vlmscope[accelerate]')."
    ]


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
    rows = [("parameters", f"{model['parameters']:,}")]
    if model["revision"]:
        rows.append(("revision", model["revision"]))
    rows.append(("stored as", _stored(model)))
    rows += [(f"weights in {name}", _size(size)) for name, size in model["weights"].items()]
    rows += _picture_rows(model["picture"])
    if model["needed_bytes"] is not None:
        loaded = model["quantisation"] or model["loads_as"] or "as stored"
        rows.append((f"needed, loaded as {loaded}", _size(model["needed_bytes"])))
    rows.append((f"free on {model['device']}", _size(model["free_bytes"])))
    rows.append(("fits", {True: "yes", False: "no", None: "cannot be told"}[model["fits"]]))
    _section(f"Model {model['id']} ({model['type']})", ("what", "value"), rows)
    emit(f"  Sizes: {model['asked']}.")
    emit("  What a pass computes comes on top; rows are read beside the model's own kernel and add")
    emit("  little, while eager attention would need far more.")
    emit("")


def _stored(model: dict[str, Any]) -> str:
    if model["stored"] is None:
        return "unknown"
    parts = ", ".join(f"{count:,} {name}" for name, count in model["stored"].items())
    size = "" if model["stored_bytes"] is None else f", {_size(model['stored_bytes'])}"
    quantised = f" ({model['quantisation']})" if model["quantisation"] else ""
    return f"{parts}{size}{quantised}"


def _picture_rows(picture: dict[str, Any] | None) -> list[tuple[str, str]]:
    if picture is None:
        return []
    size = f"one picture of {picture['width']} x {picture['height']}"
    if picture["image_tokens"] is None:
        return [(size, picture["unknown"])]
    cache = _size(picture["cache_bytes"])
    return [
        (size, f"{picture['image_tokens']:,} image tokens"),
        (
            "  with a short prompt",
            f"{picture['positions']:,} positions, {cache} of keys and values",
        ),
    ]


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
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:,.1f} GiB"
