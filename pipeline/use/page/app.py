"""The page's server: its own files, and one address that takes a photograph and tells of its faces.

Nothing is stored: a photograph is a request's body, decoded in memory, and gone with the answer.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipeline.common.files import InputError
from pipeline.common.images import decode_image
from pipeline.data.pictures import FORMATS
from pipeline.use.faces import look
from pipeline.use.models import Models
from pipeline.use.page.answers import about_faces, about_models
from pipeline.use.page.guard import Guard

MAX_BYTES = 40 << 20  # of a photograph's file
AT_ONCE = 8  # photographs taken in, one of them being looked at; who comes then is told to try again
A_SECOND = 60  # photographs taken in within one: more than a camera has frames, and 50 files that are sent at once
SECONDS = 30  # that a photograph may take to arrive
# Of a body that is refused so much is read and forgotten: a browser that is still sending sees no answer.
FORGOTTEN = 4 * MAX_BYTES
MAX_NAME = 200  # characters of a file's name

HERE = Path(__file__).parent
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

Refusal = tuple[int, str, dict[str, str]]  # status, one line, headers
TOO_MANY: Refusal = 429, "too many photographs; try again in a second", {"Retry-After": "1"}
TOO_LARGE: Refusal = 413, f"the file is larger than {MAX_BYTES >> 20} MB; reduce the photograph", {}
NO_PHOTOGRAPH: Refusal = 415, "send a photograph as the body, with Content-Type image/jpeg or another image", {}
EMPTY: Refusal = 400, "the file is empty; give a photograph", {}
TOO_SLOW: Refusal = 408, f"the photograph did not arrive within {SECONDS} seconds; try again", {}

Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(models: Models, face_detector: str, camera: bool = False) -> ASGIApp:
    """The page and what answers it.

    Args:
        models: see `models.load_models`.
        face_detector: one of `face_detectors.names`.
        camera: whether the page switches the camera on by itself.
    """
    about = about_models(models.about, face_detector) | {"camera": camera, "max_bytes": MAX_BYTES}

    async def tell(request: Request) -> Response:
        return JSONResponse(about)

    files = [path for path in sorted(HERE.iterdir()) if path.suffix in TYPES]
    routes = [
        *(Route("/" if path.name == "page.html" else f"/{path.name}", _serve(path)) for path in files),
        Route("/about", tell),
        Route("/faces", _answer(models, face_detector), methods=["POST"]),
    ]
    handlers = {HTTPException: _refuse, InputError: _refuse, ClientDisconnect: _forget, Exception: _apologise}
    return Guard(Starlette(routes=routes, exception_handlers=handlers))


def _serve(path: Path) -> Endpoint:
    content, kind = path.read_bytes(), TYPES[path.suffix]

    async def serve(request: Request) -> Response:
        return Response(content, media_type=kind)

    return serve


def _answer(models: Models, face_detector: str) -> Endpoint:
    places = anyio.Semaphore(AT_ONCE)
    taken: deque[float] = deque(maxlen=A_SECOND)  # the seconds when the last ones were taken in
    turn = anyio.Lock()  # each network uses all cores by itself

    def see(content: bytes, name: str) -> dict[str, Any]:
        start = time.perf_counter()
        pixels = decode_image(content, name, "give a picture that is whole", FORMATS, upright=True, deep=True)
        answer = about_faces(name, pixels, look(pixels, models, face_detector), models.about)
        return answer | {"milliseconds": round(1000 * (time.perf_counter() - start))}

    async def answer(request: Request) -> Response:
        now = time.monotonic()
        if not places.value or (len(taken) == A_SECOND and now - taken[0] < 1):
            await _receive(request, TOO_MANY)
        taken.append(now)
        async with places:
            content = await _receive(request, _refusal(request))
            name = request.query_params.get("name", "the photograph")[:MAX_NAME]
            async with turn:
                if await request.is_disconnected():
                    raise ClientDisconnect
                return JSONResponse(await run_sync(see, content, name))

    return answer


def _refusal(request: Request) -> Refusal | None:
    """Why a photograph is refused by what its request says of it, if it is."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/octet-stream" and not kind.startswith("image/"):
        return NO_PHOTOGRAPH
    return TOO_LARGE if int(request.headers.get("content-length", 0)) > MAX_BYTES else None


async def _receive(request: Request, refusal: Refusal | None) -> bytes:
    """The body of a request; of one that is refused nothing is kept.

    Raises:
        HTTPException: the refusal, or it is empty, too large or too slow.
    """
    parts: list[bytes] = []
    size = 0
    with anyio.move_on_after(SECONDS) as limit:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BYTES and not refusal:
                refusal = TOO_LARGE
                parts.clear()
            if size > FORGOTTEN:
                break
            if not refusal:
                parts.append(part)
    if refusal:
        raise HTTPException(*refusal)
    if limit.cancelled_caught:
        raise HTTPException(*TOO_SLOW)
    if not size:
        raise HTTPException(*EMPTY)
    return b"".join(parts)


async def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)})  # an answer, too: browsers complain on their console of any other status


async def _forget(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # which nobody is there to read


async def _apologise(request: Request, error: Exception) -> Response:
    """Of a defect the terminal has the traceback."""
    reason = "out of memory; reduce the photograph" if isinstance(error, MemoryError) else "it failed; see the terminal"
    return JSONResponse({"error": reason}, 500)
