"""The page in the browser, on this machine alone."""

from __future__ import annotations

import argparse
import webbrowser
from contextlib import suppress
from pathlib import Path

from pipeline.use import face_detectors
from pipeline.use.models import load_models
from pipeline.use.page.app import make_app
from pipeline.use.page.serving import address, listen, make_server

PORT = 8014


def main(words: list[str], camera: bool = False) -> None:
    """Serve the page until it is interrupted.

    Args:
        words: of the command line.
        camera: whether the page switches the camera on by itself.

    Raises:
        InputError: the models are missing or damaged, or the port is taken.
    """
    command = "webcam" if camera else "serve"
    parser = argparse.ArgumentParser(
        f"fercrop {command}", description="Faces of photographs or of the camera, in the browser."
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"of this machine; 0: any that is free (default: {PORT})"
    )
    parser.add_argument(
        "--models", type=Path, default=Path("exported"), help="folder of exported models (default: exported)"
    )
    parser.add_argument("--detector", choices=face_detectors.names(), default="dlib", help="of faces (default: dlib)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    given = parser.parse_args(words)
    models = load_models(given.models)
    listener = listen(given.port)
    print(f"{address(listener)} answers on this machine alone; Ctrl-C ends it", flush=True)
    print(f"trained on {models.about.trained_on}", flush=True)
    if given.open:
        webbrowser.open(address(listener))
    with suppress(KeyboardInterrupt):  # Ctrl-C, which the server gives back to us once it has ended
        make_server(make_app(models, given.detector, camera)).run(sockets=[listener])
