"""How far a training has come, on disk: it goes on from there as if it had not been interrupted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from pipeline.common import device
from pipeline.common.files import InputError, whole_file
from pipeline.common.given import lies_there, read_given

DIGEST = 32  # bytes at the beginning of the file: the SHA-256 of the rest
MAX_BYTES = 16 << 30  # of a file


@dataclass
class Progress:
    """How far the training has come: for each epoch its metrics, and the epoch that is kept with its weights."""

    history: list[dict[str, float]] = field(default_factory=list)
    kept_epoch: int = -1
    kept: dict[str, torch.Tensor] = field(default_factory=dict)


def key_of(content: dict[str, Any]) -> str:
    """A digest of what a checkpoint must agree in to be gone on from: settings, seed, data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def save_checkpoint(path: Path, key: str, code: str, parts: dict[str, Any], progress: Progress) -> None:
    """Write the whole state.

    Args:
        key: see `key_of`.
        code: a digest of the code that the training depends on.
        parts: all that has a `state_dict`.
    """
    states = {name: part.state_dict() for name, part in parts.items()}
    content = {"key": key, "code": _made_by(code), "parts": states, "progress": vars(progress)}
    buffer = BytesIO()
    torch.save(content, buffer)
    with whole_file(path) as file:
        file.write(hashlib.sha256(buffer.getbuffer()).digest())  # torch itself reads flipped bytes without a word
        file.write(buffer.getbuffer())


def load_checkpoint(path: Path, key: str, code: str, parts: dict[str, Any]) -> Progress:
    """Take up what `save_checkpoint` left, if it belongs to this training; else start anew.

    Raises:
        InputError: the file is damaged.
    """
    if not lies_there(path):
        return Progress()
    remedy = "delete it and run again, the training starts anew"
    content = read_given(path, remedy, MAX_BYTES)
    expected, content = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(content).digest() != expected:
        raise InputError(f"{path}: damaged, or of an earlier version; {remedy}")
    try:
        saved = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        found, made_by = saved["key"], saved.get("code")
    except MemoryError:
        raise
    except Exception:  # each kind of content has its own error
        raise InputError(f"{path}: no checkpoint; {remedy}") from None
    if found != key:
        return Progress()
    if made_by != _made_by(code):
        _tell(f"{path}: of other code, or another version of torch: the training starts anew")
        return Progress()
    try:
        for name, part in parts.items():
            part.load_state_dict(saved["parts"][name])
        progress = Progress(**saved["progress"])
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError):
        # A part may be filled already: nothing can be kept.
        raise InputError(f"{path}: of another network; {remedy}") from None
    _tell(f"{path}: going on after epoch {len(progress.history)}")
    return progress


def _tell(line: str) -> None:
    """Say it once, however many processes there are."""
    if device.first_process():
        print(line, flush=True)


def _made_by(code: str) -> str:
    return f"{code} torch {torch.__version__}"
