"""The page with the camera on."""

from __future__ import annotations

from fercrop import serve


def main(words: list[str]) -> None:
    """See `serve.main`."""
    serve.main(words, camera=True)
