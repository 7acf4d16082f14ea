"""The figures as one table of plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["table"]

_SHOWN = 5  # of repeated places: the longest; --json has them all


def table(figures: dict[str, Any]) -> str:
    """One figure a line, its members below it."""
    return "\n".join(f"{name:<34}{value}" for name, value in _rows(figures))


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("files", "lines", "median file", "median function"):
        yield name, f"{figures[name]:g}"
    longest, largest = figures["longest file"], figures["largest folder"]
    yield "longest file", f"{longest['lines']}  {longest['file']}"
    yield "largest folder", f"{largest['modules']}  {largest['folder']}"
    for folder, count in figures["registering folders"].items():
        yield f"  each file registers itself: {folder}", f" {count}"
    yield "circles", len(figures["circles"])
    for members in figures["circles"]:
        yield f"  of {len(members)} files", ", ".join(members)
    yield "upward arrows", len(figures["upward arrows"])
    for start, end in figures["upward arrows"]:
        yield f"  {start}", f" -> {end}"
    yield "arrows within a top folder", ""
    for folder, count in figures["arrows within"].items():
        yield f"  {folder}", count
    for name in ("repeated places", "repeated to the letter"):
        yield from _repeated(name, figures[name])
    for call, trip in figures.get("trips", {}).items():
        yield f"trip of {call}", f"{trip['files']} files, {trip['changes']} changes"


def _repeated(name: str, found: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    yield name, len(found)
    for each in found[:_SHOWN]:
        (first, line), (second, other) = each["first"], each["second"]
        yield f"  {each['length']} lines", f"{first}:{line}  {second}:{other}"
