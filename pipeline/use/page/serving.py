"""How the page is served: on this machine alone."""

from __future__ import annotations

import errno
import socket

import uvicorn
from starlette.types import ASGIApp

from pipeline.common.files import InputError

ADDRESS = "127.0.0.1"
CONNECTIONS = 200  # open at once; what comes beyond is answered 503 before it is read


def listen(port: int) -> socket.socket:
    """A socket on a port of this machine that no other machine can reach; 0 is any that is free.

    Raises:
        InputError: the port cannot be had.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that was just given up can be had again
    try:
        listener.bind((ADDRESS, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"cannot be had ({error})"
        raise InputError(f"port {port}: {reason}; give another with --port") from None
    return listener


def address(listener: socket.socket) -> str:
    """What a browser is to open."""
    return f"http://{ADDRESS}:{listener.getsockname()[1]}/"


def make_server(app: ASGIApp) -> uvicorn.Server:
    """A server that is quiet, and keeps no list of who asked for what; `run(sockets=[listener])` runs it."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="error",
        server_header=False,
        lifespan="off",
        ws="none",
        http="h11",
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)
