"""The page in the browser, on this machine alone."""

from __future__ import annotations

import webbrowser
from contextlib import suppress

from fercrop._words import Parser, add_models, models_folder
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
        InputError: a word is wrong, the models are missing or damaged, or the port is taken.
    """
    command = "webcam" if camera else "serve"
    parser = Parser(prog=f"fercrop {command}", description="Faces of photographs or of the camera, in the browser.")
    parser.add_argument(
        "--port", type=int, default=PORT, help=f"of this machine; 0: any that is free (default: {PORT})"
    )
    add_models(parser)
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    given = parser.parse_args(words)
    models = load_models(models_folder(given.models))
    listener = listen(given.port)
    print(f"{address(listener)} answers on this machine alone; Ctrl-C ends it", flush=True)
    print(f"trained on {models.about.trained_on}", flush=True)
    if given.open:
        webbrowser.open(address(listener))
    with suppress(KeyboardInterrupt):  # Ctrl-C, which the server gives back to us once it has ended
        make_server(make_app(models, given.detector, camera)).run(sockets=[listener])
