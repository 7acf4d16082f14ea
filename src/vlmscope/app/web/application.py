"""The application: all endpoints, behind the gate."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from vlmscope.app.answers.session import described
from vlmscope.app.service import Service
from vlmscope.app.web import folder, general, page, questions
from vlmscope.app.web.bodies import Problem
from vlmscope.app.web.errors import add_errors
from vlmscope.app.web.gate import Gate
from vlmscope.app.web.origin import Doorman
from vlmscope.version import __version__

__all__ = ["application"]


def application(service: Service) -> Gate:
    """An ASGI application that serves one model; it ends the service when it is shut down."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="vlmscope",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,  # these pages would load script from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses={"4XX": {"model": Problem}, 422: {"model": Problem}},
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.session = described(service)  # nothing of it changes while the app runs
    for part in (page, general, questions, folder):
        app.include_router(part.router)
    add_errors(app)
    settings = service.settings
    doorman = Doorman.of(settings.host, settings.names, settings.token)
    return Gate(app, doorman, settings.limits, settings.root_path)
