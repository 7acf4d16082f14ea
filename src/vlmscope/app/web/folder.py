"""Endpoints about the folder of labels that the app was started with."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from vlmscope.app.folder.labels import ServedFolder
from vlmscope.app.refusal import Refusal
from vlmscope.app.web.bodies import DecisionBody
from vlmscope.app.web.jobs import service_of

__all__ = ["router"]

router = APIRouter(prefix="/api/folder")

_MOST_ROWS = 500


def _unless_empty(value: Any) -> Any:
    return None if value == "" else value


_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Score = Annotated[_Finite | None, BeforeValidator(_unless_empty)]
_Flag = Annotated[bool | None, BeforeValidator(_unless_empty)]
_Verdict = Annotated[
    Literal["accept", "reject", "unsure", "none"] | None, BeforeValidator(_unless_empty)
]
_Offset = Annotated[int, Query(ge=0, lt=1 << 31)]
_Limit = Annotated[int, Query(ge=1, le=_MOST_ROWS)]


@router.get("")
async def rows(
    request: Request,
    offset: _Offset = 0,
    limit: _Limit = 100,
    least_score: _Score = None,
    warning: _Flag = None,
    decision: _Verdict = None,
) -> dict[str, Any]:
    """Objects that pass a filter; ``decision=none``: those that nobody decided about."""
    folder = _folder(request)
    found: dict[str, Any] = await service_of(request).aside(
        folder.listed, offset, limit, least_score, warning, decision
    )
    return found


@router.get("/pictures/{name:path}", response_class=Response)
async def picture(
    request: Request,
    name: Annotated[str, Path(max_length=10_000)],
    side: Annotated[int, Query(ge=16, le=4_096)] = 1_024,
) -> Response:
    """The picture of an id as JPEG, its longer side not above ``side`` pixels."""
    folder = _folder(request)
    data = await service_of(request).aside(folder.picture, name, side)
    return Response(data, media_type="image/jpeg")


@router.put("/decisions")
async def decide(request: Request, body: DecisionBody) -> dict[str, Any]:
    """Keep what was decided about an object, in the folder; null takes it back."""
    folder = _folder(request)
    key = (body.id, body.phrase, body.instance)
    await service_of(request).aside(partial(folder.book.decide, key, body.decision, body.box))
    return {"decision": folder.book.of(key), "corrected": folder.book.box_of(key)}


@router.get("/decisions")
async def decisions(request: Request) -> dict[str, Any]:
    """The file of decisions, as it lies in the folder."""
    return _folder(request).book.file()


def _folder(request: Request) -> ServedFolder:
    folder = service_of(request).folder
    if folder is None:
        raise Refusal(
            404, "no-folder", "The app was started without a folder: vlmscope app --folder DIR"
        )
    return folder
