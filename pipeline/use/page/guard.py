"""Who may ask the page, and what its answers allow a browser to do.

A server on 127.0.0.1 is out of reach for other machines, but not for other pages in the same browser. A page elsewhere
could send requests here, or let its own name lead to 127.0.0.1 (DNS rebinding) and read what comes back. Therefore only
requests that name this machine are answered, and a POST only if it comes from the page itself or from no page at all.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")

HEADERS = {
    # Crops come as data:, and so does the empty icon; nothing else comes from anywhere but here.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Guard:
    """Refuses requests from elsewhere, and puts `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refused = _refuse(scope["method"], Headers(scope=scope))
        await (refused or self.app)(scope, receive, send_with_headers)


def _refuse(method: str, headers: Headers) -> JSONResponse | None:
    host = headers.get("host", "")
    if host.rpartition(":")[0] not in NAMES and host not in NAMES:
        return JSONResponse({"error": f"this is not {host[:100]}; ask for 127.0.0.1"}, 421)
    if method in ("GET", "HEAD"):
        return None
    elsewhere = headers.get("origin", f"http://{host}") != f"http://{host}"
    if elsewhere or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return JSONResponse({"error": "another page may not send photographs here; open the page itself"}, 403)
    return None
