"""The page, served by a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import data

from pipeline.use.models import Models
from pipeline.use.page.app import make_app
from pipeline.use.page.serving import address, listen, make_server

PORTRAIT: npt.NDArray[np.uint8] = data.astronaut()  # type: ignore[no-untyped-call]  # public domain


class Served(NamedTuple):
    """Where a page is served."""

    address: str
    port: int


@contextmanager
def serve(models: Models, camera: bool = False) -> Iterator[Served]:
    """Serve the page for as long as the block lasts."""
    listener = listen(0)
    server = make_server(make_app(models, "dlib", camera))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(address(listener), listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def jpeg(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A photograph's file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=92)
    return file.getvalue()
