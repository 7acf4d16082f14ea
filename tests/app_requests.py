"""Requests that are wrong in every way that one could think of, from the app's own schema."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

__all__ = ["WrongRequest", "wrong_requests"]

TEXTS = (
    "",
    " ",
    "the red circle",
    "<script>alert(1)</script>",
    "‮עברית",
    "\0",
    "../../etc/passwd",
    "/etc/passwd",
    "x" * 2_001,
    "a -> b",
    "image->query",
    "image->query;query->image",
    "none",
    "gem",
    "mean-attention",
    "%s%n{0}${7*7}",
    "🟥" * 40,
    "NaN",
    "null",
    "1e309",
)
NUMBERS = (0, 1, -1, 5, 255, 256, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, 1e-320)
ODD = (None, True, False, [], {}, [[]], [[0, 0]], [[0, 0, 0]], [["0", "1"]], {"a": {"b": []}})
BYTES = (
    b"",
    b"{",
    b"[" * 3_000,
    b'{"a":' * 3_000,
    b"\xff\xfe\x00",
    b'{"image": NaN}',
    b'{"image": Infinity}',
    b'"\\ud800"',
    b'{"image": "\\ud800"}',
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a\xff\xff\xff\xff",
    b"BM" + bytes(60),
    b"II*\x00" + b"\xff" * 40,
    b"RIFF\x00\x00\x00\x00WEBPVP8 ",
)
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {},
    {},
    {"x-vlmscope-tab": "one"},
    {"x-vlmscope-tab": "<b>", "x-vlmscope-job": "x" * 99},
    {"x-vlmscope-job": "again"},
    {"content-type": "text/plain"},
    {"content-type": "multipart/form-data; boundary=x"},
    {"content-type": "application/json; charset=utf-16"},
    {"content-encoding": "gzip"},
    {"origin": "null"},
    {"accept": "text/html"},
    {"range": "bytes=0-1"},
    {"if-none-match": "*"},
)


@dataclass(frozen=True)
class WrongRequest:
    """One request.

    Attributes:
        method, path: of it.
        query: of its address.
        content: its body; None: it has none.
        headers: beside those that every request has.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def wrong_requests(
    schema: Mapping[str, Any], image: str, count: int, seed: int = 0
) -> Iterator[WrongRequest]:
    """So many requests; some of them happen to be right.

    Args:
        schema: of OpenAPI, as the app gives it.
        image: id of a picture that it has.
        count: how many.
        seed: of the draw.
    """
    maker = _Maker(schema, image, random.Random(seed))
    for _ in range(count):
        yield maker.request()


class _Maker:
    def __init__(self, schema: Mapping[str, Any], image: str, draw: random.Random) -> None:
        self._parts = schema.get("components", {}).get("schemas", {})
        self._operations = [
            (path, method, operation)
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
        ]
        self._image, self._draw = image, draw

    def request(self) -> WrongRequest:
        path, method, operation = self._draw.choice(self._operations)
        query = {}
        for each in operation.get("parameters", ()):
            if each["in"] == "path":
                value = self._draw.choice([self._image, *TEXTS, "a/b", "..%2f..", "."])
                path = path.replace(f"{{{each['name']}}}", quote(value, safe="/%"))
            elif self._draw.random() < 0.6:
                query[each["name"]] = str(self._draw.choice((*TEXTS, *NUMBERS, True, "-1", "nan")))
        if self._draw.random() < 0.04:
            method = self._draw.choice(["get", "put", "post", "delete", "patch", "options", "head"])
        return WrongRequest(
            method.upper(), path, query, self._content(operation), self._draw.choice(HEADERS)
        )

    def _content(self, operation: Mapping[str, Any]) -> bytes | None:
        kinds = operation.get("requestBody", {}).get("content")
        if kinds is None and self._draw.random() < 0.9:
            return None
        if kinds is None or "application/json" not in kinds or self._draw.random() < 0.1:
            return self._draw.choice(BYTES)
        value = self._value(kinds["application/json"]["schema"], wrong=0.08)
        return json.dumps(value).encode()

    def _value(self, schema: Mapping[str, Any], wrong: float) -> Any:
        """A value of a schema; now and then of another."""
        if "$ref" in schema:
            schema = self._parts[schema["$ref"].rpartition("/")[2]]
        if self._draw.random() < wrong:
            return self._draw.choice((*TEXTS, *NUMBERS, *ODD))
        if "anyOf" in schema:
            return self._value(self._draw.choice(schema["anyOf"]), wrong)
        if "enum" in schema:
            return self._draw.choice(schema["enum"])
        if schema.get("type") == "object" and "properties" in schema:
            return self._object(schema, wrong)
        if schema.get("type") == "array":
            return self._array(schema, wrong)
        return self._simple(schema)

    def _object(self, schema: Mapping[str, Any], wrong: float) -> dict[str, Any]:
        needed = set(schema.get("required", ()))
        made = {
            name: self._value(part, wrong)
            for name, part in schema["properties"].items()
            if self._draw.random() < (0.97 if name in needed else 0.4)
        }
        if "image" in made and self._draw.random() < 0.7:
            made["image"] = self._image
        if self._draw.random() < 0.03:
            made["more"] = self._draw.choice(ODD)
        return made

    def _array(self, schema: Mapping[str, Any], wrong: float) -> list[Any]:
        if "prefixItems" in schema:
            return [self._value(part, wrong) for part in schema["prefixItems"]]
        count = self._draw.choice([0, 1, 1, 2, 3, 50])
        return [self._value(schema.get("items", {}), wrong) for _ in range(count)]

    def _simple(self, schema: Mapping[str, Any]) -> Any:
        kind = schema.get("type")
        if kind == "string":
            return self._draw.choice(TEXTS)
        if kind == "boolean":
            return self._draw.random() < 0.5
        if kind in ("integer", "number"):
            return self._draw.choice((*range(6), *NUMBERS))
        return None
