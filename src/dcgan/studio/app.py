"""The studio as an ASGI application."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from dcgan.errors import DcganError
from dcgan.runtime.files import StrPath
from dcgan.studio.answers import Answer
from dcgan.studio.context import Studio
from dcgan.studio.guard import Guard
from dcgan.studio.jobs import Jobs
from dcgan.studio.library import Library
from dcgan.studio.places import Places
from dcgan.studio.problems import Problem, answer_problem
from dcgan.studio.routes import compare, explore, home, inside, labs, models, runs, train
from dcgan.studio.uploads import Uploads

_TYPES = {".css": "text/css", ".js": "text/javascript", ".wasm": "application/wasm"}
"""Types of files by suffix. Python reads them from the registry of Windows, where programs register
.js as text/plain, and browsers run no such scripts."""

_PAGE = Path(__file__).parent / "static"
_EXPLORER = Path(__file__).parents[1] / "exchange" / "web" / "static"


def create_app(
    folder: StrPath,
    *,
    hosts: Iterable[str],
    allow: Iterable[StrPath] = (),
    token: str | None = None,
    data_root: StrPath | None = None,
) -> ASGIApp:
    """The studio over a folder of runs.

    Parameters
    ----------
    folder : path
        It is made if it is missing. The studio's own files are in ``.studio`` inside it.
    hosts : iterable of str
        The values of the header ``Host`` that are answered, with the port.
    allow : iterable of paths, optional
        Folders in which the user may choose datasets; default the home folder.
    token : str, optional
        What a visitor must know; see :class:`dcgan.studio.guard.Guard`.
    data_root : path, optional
        The folder of datasets chosen by name.
    """
    for suffix, media_type in _TYPES.items():
        mimetypes.add_type(media_type, suffix)
    library = Library(Path(folder))
    library.own.mkdir(parents=True, exist_ok=True)
    Uploads(library.uploads).forget_unused()
    roots = [Path(root) for root in allow] or [Path.home()]
    app = FastAPI(
        title="dcgan studio",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        default_response_class=Answer,
    )
    app.state.studio = Studio(
        library,
        Jobs(library.own / "jobs"),
        Places([*roots, library.own]),
        None if data_root is None else Path(data_root),
    )
    for kind in (Problem, DcganError, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer_problem)
    for routes in (home, runs, compare, train, models, explore, labs, inside):
        app.include_router(routes.router, prefix="/api")
    app.mount("/static/explorer", StaticFiles(directory=_EXPLORER))
    app.mount("/static", StaticFiles(directory=_PAGE))
    app.add_api_route("/", lambda: FileResponse(_PAGE / "index.html"))
    return Guard(app, hosts, token)
