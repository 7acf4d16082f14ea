"""Endpoints that ask the model something; each is a job in its line."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from vlmscope.app.answers.answer import answer_view
from vlmscope.app.answers.compare import compare_view
from vlmscope.app.answers.faithfulness import faithfulness_view
from vlmscope.app.answers.knockout import knockout_view
from vlmscope.app.answers.patch import patch_read
from vlmscope.app.answers.phrase import phrase_view
from vlmscope.app.answers.steer import steered_values
from vlmscope.app.answers.words import checked_prompt
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.app.web.bodies import (
    AnswerBody,
    CompareBody,
    FaithfulnessBody,
    GroundBody,
    KnockoutBody,
    PatchBody,
    SteerBody,
)
from vlmscope.app.web.jobs import computed, service_of, viewed
from vlmscope.models import Prompt
from vlmscope.viewer import MIME

__all__ = ["router"]

router = APIRouter(prefix="/api")

_VIEW: dict[str, Any] = {
    "response_class": Response,
    "responses": {
        200: {
            "description": "What the viewer draws (docs/view-format.md).",
            "content": {MIME: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
}


@router.post("/ground", **_VIEW)
async def ground(body: GroundBody, request: Request) -> Response:
    """Where a phrase is, and the maps of all heads."""
    service, picture, phrase = _asked(request, body.image, body.phrase)
    more = body.method, body.heads, body.all_heads
    return await viewed(request, partial(phrase_view, service, picture, phrase, *more))


@router.post("/answer", **_VIEW)
async def answer(body: AnswerBody, request: Request) -> Response:
    """What the model says, and what each word looked at."""
    service, picture, question = _asked(request, body.image, body.question, "question")
    work = partial(answer_view, service, picture, question, body.max_tokens)
    return await viewed(request, work)


@router.post("/knockout", **_VIEW)
async def knockout(body: KnockoutBody, request: Request) -> Response:
    """What the model says with edges blocked in window after window of layers."""
    service, picture, question = _asked(request, body.image, body.question, "question")
    more = body.window, body.edges, body.heads
    return await viewed(request, partial(knockout_view, service, picture, question, *more))


@router.post("/faithfulness", **_VIEW)
async def faithfulness(body: FaithfulnessBody, request: Request) -> Response:
    """Whether the answer needs what a map lights up."""
    service, picture, phrase = _asked(request, body.image, body.phrase)
    question = phrase
    if body.question is not None:
        question = checked_prompt(body.question, service.settings.limits, "question")
    more = question, body.method, body.heads
    return await viewed(request, partial(faithfulness_view, service, picture, phrase, *more))


@router.post("/compare", **_VIEW)
async def compare(body: CompareBody, request: Request) -> Response:
    """A phrase by several methods, side by side."""
    service, picture, phrase = _asked(request, body.image, body.phrase)
    return await viewed(request, partial(compare_view, service, picture, phrase, body.methods))


@router.post("/steer")
async def steer(body: SteerBody, request: Request) -> dict[str, Any]:
    """What the model says when heads are made to look at a box, beside what it says by itself."""
    service, picture, question = _asked(request, body.image, body.question, "question")
    work = partial(steered_values, service, picture, question, body.box, body.strength, body.heads)
    values: dict[str, Any] = await computed(request, work)
    return values


@router.post("/patch")
async def patch(body: PatchBody, request: Request) -> dict[str, Any]:
    """Which heads read one cell of the image, and what it says layer by layer."""
    service, picture, phrase = _asked(request, body.image, body.phrase)
    values: dict[str, Any] = await computed(
        request, partial(patch_read, service, picture, phrase, body.cell)
    )
    return values


def _asked(
    request: Request, image: str, text: str, name: str = "phrase"
) -> tuple[Service, StoredPicture, Prompt]:
    """What every question is about; what is wrong with it is said before it waits for the model."""
    service = service_of(request)
    return (
        service,
        service.pictures.get(image),
        checked_prompt(text, service.settings.limits, name),
    )
