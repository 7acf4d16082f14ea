"""Whatever goes wrong is answered in one form: ``{"error": {"kind": ..., "message": ...}}``."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from vlmscope.app.refusal import Refusal, refusal_of
from vlmscope.errors import VlmscopeError
from vlmscope.markup import shorten

__all__ = ["add_errors"]

_LOG = logging.getLogger(__name__)
_KINDS = {404: "not-found", 405: "not-allowed"}
_PLACE = 120  # characters of a field's name in a message


def add_errors(app: FastAPI) -> None:
    """Answer every error of an application."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(VlmscopeError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _refused)


def _answer(refusal: Refusal) -> JSONResponse:
    return JSONResponse(refusal.to_dict(), refusal.status)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    return _answer(refusal_of(error))


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    """What was wrong with a body; what was received is not sent back."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    place = ".".join(str(each) for each in first.get("loc", ())[1:]) or "the body"
    reason = str(first.get("msg", "is not what belongs there"))
    message = f"The request does not fit: {shorten(place, _PLACE)}: {shorten(reason, 300)}."
    return _answer(Refusal(422, "bad-request", f"{message} See: GET /api/openapi.json"))


async def _gone(request: Request, error: Exception) -> JSONResponse:
    """Nobody reads this; that a client went away is no fault that anybody has to hear of."""
    return _answer(Refusal(400, "bad-request", "The request broke off."))


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail: Any = error.detail
    if isinstance(detail, dict):  # from the gate, which sees sizes and times
        return _answer(Refusal(error.status_code, detail["kind"], detail["message"]))
    kind = _KINDS.get(error.status_code, "bad-request")
    message = {
        404: "There is nothing at this address. See: GET /api/openapi.json",
        405: "This address is not asked in this way. See: GET /api/openapi.json",
    }.get(error.status_code, "The request cannot be read. See: GET /api/openapi.json")
    return _answer(Refusal(error.status_code, kind, message))
