"""Endpoints about the session, pictures, and the line of jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.refusal import Refusal
from vlmscope.app.web.jobs import service_of, tab_of

__all__ = ["router"]

router = APIRouter(prefix="/api")

_UPLOADS = 16  # that arrive at a time: each is in memory as a whole

Name = Annotated[str, Path(max_length=64)]

_PICTURE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The encoded picture as it lies in its file: JPEG, PNG, WebP, GIF, BMP or TIFF.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/session")
async def session(request: Request) -> dict[str, Any]:
    """What is served: model, methods, heads, limits, features."""
    said: dict[str, Any] = request.app.state.session
    return said


@router.post("/images", status_code=201, openapi_extra=_PICTURE)
async def add_image(request: Request) -> JSONResponse:
    """Keep a picture in memory; its id goes with every question about it."""
    service = service_of(request)
    if service.uploading >= _UPLOADS:
        raise Refusal(429, "busy", f"{_UPLOADS} pictures are arriving. Try again in a moment.")
    service.uploading += 1
    try:
        picture: StoredPicture = await service.aside(service.pictures.add, await request.body())
    finally:
        service.uploading -= 1
    height, width = picture.opened.size
    notes = list(picture.opened.notes)
    return JSONResponse(
        {"image": picture.id, "width": width, "height": height, "notes": notes}, status_code=201
    )


@router.get("/images/{image}", response_class=Response)
async def get_image(image: Name, request: Request) -> Response:
    """A picture as JPEG, not larger than a page shows it."""
    shown = service_of(request).pictures.get(image).shown
    return Response(shown.data, media_type=shown.mime)


@router.get("/queue")
async def queue(request: Request) -> dict[str, Any]:
    """How many jobs wait and run, and where the first of this tab stands: 0, it runs."""
    return asdict(service_of(request).queue.places(tab_of(request)))


@router.delete("/jobs/{job}")
async def cancel(job: Name, request: Request) -> dict[str, Any]:
    """Cancel a job: one that waits at once, one that runs at its next step."""
    was = service_of(request).queue.cancel(job)
    if was is None:
        raise Refusal(404, "unknown-job", "No job of this name is waiting or running.")
    return {"job": job, "was": was}
