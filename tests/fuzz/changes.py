"""Ways to break files: bytes, lines, words, JSON values, and what lies where a file is expected."""

from __future__ import annotations

import json
import os
import random
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fuzz.family import Change

# What is no number or a strange one, where a number is expected.
NUMBERS = (
    *("", "0", "-1", "1_0", "1e999", "-1e-999", "nan", "inf", "1.5", "0x10", "010", "+1", "1,5", "1e5", "2" * 5000),
    *("\u0661", "\uff11", "1\u00a0", "99999999999999999999", str(2**31), str(2**63), "9" * 400, "--1", "1 1", "true"),
)
WORDS = (
    *("", " ", "null", "None", "..", "/", "/etc/passwd", "../../x", "CON", "\u00e9", "\u202e", "a\tb", "{", "}", "<x>"),
    *("&amp;", "%00", "'", '"', "a" * 300, "b" * 5000, "'\"", "\ufeff", "\U0001f600", "-", "#", ","),
)


def pick(rng: random.Random, folder: Path) -> Path | None:
    """Any of the files in a folder, or None if there is none left."""
    # An earlier change may have closed a file or a folder, for whom that holds.
    files = sorted(path for path in folder.rglob("*") if os.access(path, os.R_OK | os.W_OK) and _is_file(path))
    return rng.choice(files) if files else None


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def on_bytes(edit: Callable[[random.Random, bytes], bytes]) -> Change:
    """A change of the bytes of any one file."""

    def change(rng: random.Random, folder: Path) -> None:
        path = pick(rng, folder)
        if path is not None:
            path.write_bytes(edit(rng, path.read_bytes()))

    return change


def on_text(edit: Callable[[random.Random, str], str]) -> Change:
    """A change of the text of any one file; every byte is a character."""
    return on_bytes(lambda rng, content: edit(rng, content.decode("latin-1")).encode("latin-1", "xmlcharrefreplace"))


# ---- bytes


def flip_bits(rng: random.Random, content: bytes) -> bytes:
    """Flip one to eight bits."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 8) if content else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_short(rng: random.Random, content: bytes) -> bytes:
    """Keep the beginning."""
    return content[: rng.randint(0, len(content))]


def drop_part(rng: random.Random, content: bytes) -> bytes:
    """Leave out up to a tenth somewhere."""
    start = rng.randint(0, len(content))
    return content[:start] + content[start + rng.randint(1, 1 + len(content) // 10) :]


def repeat_part(rng: random.Random, content: bytes) -> bytes:
    """Write a part twice."""
    start = rng.randint(0, len(content))
    end = start + rng.randint(1, 1 + len(content) // 4)
    return content[:end] + content[start:]


def blank_part(rng: random.Random, content: bytes) -> bytes:
    """Zeros, as a disk or a transfer leaves them."""
    start = rng.randint(0, len(content))
    part = content[start : start + rng.randint(1, 1 + len(content) // 4)]
    return content[:start] + bytes(len(part)) + content[start + len(part) :]


def insert_noise(rng: random.Random, content: bytes) -> bytes:
    """Up to a hundred random bytes somewhere."""
    start = rng.randint(0, len(content))
    return content[:start] + rng.randbytes(rng.randint(1, 100)) + content[start:]


def something_else(rng: random.Random, content: bytes) -> bytes:
    """Quite another file."""
    return rng.choice(
        [
            b"",
            b"\0",
            b"\n" * rng.randint(1, 1 << 20),
            b"<html><body>please log in</body></html>",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            rng.randbytes(rng.randint(1, 10_000)),
            b"[" * 100_000,
            "\ufeff".encode() + content,
            content.decode("latin-1").encode("utf-16"),
            content.replace(b"\n", b"\r\n"),
            content.replace(b"\n", b"\r"),
            content * 2,
        ]
    )


# ---- text


def change_number(rng: random.Random, text: str) -> str:
    """Another number, or none, in the place of one."""
    return _replace(rng, text, r"-?\d+(\.\d+)?", NUMBERS)


def change_word(rng: random.Random, text: str) -> str:
    """Another word in the place of one."""
    return _replace(rng, text, r"[A-Za-z_][\w./-]*", WORDS)


def change_sign(rng: random.Random, text: str) -> str:
    """Another character in the place of a punctuation mark or a blank."""
    return _replace(rng, text, r"[^\w]", ["", *"{}[]()<>:;,'\"\n\r\t\0 #&*!|%@"])


def swap_lines(rng: random.Random, text: str) -> str:
    """Two lines change places."""
    lines = text.splitlines(keepends=True)
    if lines:
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


def repeat_line(rng: random.Random, text: str) -> str:
    """A line stands twice, at any two places."""
    lines = text.splitlines(keepends=True)
    if lines:
        lines.insert(rng.randint(0, len(lines)), rng.choice(lines))
    return "".join(lines)


def drop_line(rng: random.Random, text: str) -> str:
    """A line is missing."""
    lines = text.splitlines(keepends=True)
    if lines:
        del lines[rng.randrange(len(lines))]
    return "".join(lines)


def _replace(rng: random.Random, text: str, pattern: str, choices: Sequence[str]) -> str:
    places = list(re.finditer(pattern, text))
    if not places:
        return text
    place = rng.choice(places)
    return text[: place.start()] + rng.choice(choices) + text[place.end() :]


# ---- values of JSON


def change_value(rng: random.Random, content: Any) -> Any:
    """The same JSON value with one value in it, at any depth, changed for another."""
    if rng.random() < 0.2 or not content or not isinstance(content, dict | list):
        return rng.choice(
            [
                *(None, True, False, 0, -1, 1.5, 1e308, 2**31, 2**63, 10**400, "", "a" * 5000, "\0", "../../x", [], {}),
                *([content], {"a": content}, [[[[[[]]]]]], [content] * 2, str(content), {"": {}}, [None], "nan"),
            ]
        )
    if isinstance(content, list):
        place = rng.randrange(len(content))
        return [*content[:place], change_value(rng, content[place]), *content[place + 1 :]]
    key = rng.choice(sorted(content))
    changed = dict(content)
    kind = rng.random()
    if kind < 0.1:
        del changed[key]
    elif kind < 0.2:
        changed[rng.choice(WORDS)] = changed.pop(key)
    else:
        changed[key] = change_value(rng, changed[key])
    return changed


def on_json(name: str) -> Change:
    """A change of one value of the JSON file of this name in the folder."""

    def change(rng: random.Random, folder: Path) -> None:
        path = folder / name
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):  # an earlier change of this case has had it
            return
        path.write_text(json.dumps(change_value(rng, content)))

    return change


# ---- what lies where a file is expected


def misplace(rng: random.Random, folder: Path) -> None:
    """In the place of a file: nothing, a folder, a link to nowhere, itself or another file, or one not to be read."""
    path = pick(rng, folder)
    if path is None:
        return
    kind = rng.choice(["absent", "folder", "nowhere", "loop", "other", "forbidden"])
    if kind == "forbidden":
        path.chmod(0)
        return
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "nowhere":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "other":
        other = pick(rng, folder)
        path.symlink_to(other or "nowhere")


def rename(rng: random.Random, folder: Path) -> None:
    """A file has another name, which may be no text or very long."""
    path = pick(rng, folder)
    if path is not None:
        no_text = os.fsdecode(b"\xff\xfe" + path.suffix.encode())
        names = [path.name.upper(), f".{path.name}", f"{path.name} ", no_text, "x" * 250, f"copy {path.name}"]
        names += [f"a\nb{path.suffix}", f"\u202e{path.name}", f"{'x' * 240}{path.suffix}"]
        path.rename(path.with_name(rng.choice(names)))


def forbid_folder(rng: random.Random, folder: Path) -> None:
    """A folder that may not be looked into."""
    folders = sorted(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())
    if folders:
        rng.choice(folders).chmod(rng.choice([0, 0o100, 0o400]))


BYTES = tuple(map(on_bytes, (flip_bits, cut_short, drop_part, repeat_part, blank_part, insert_noise, something_else)))
TEXT = tuple(map(on_text, (change_number, change_number, change_word, change_sign, swap_lines, repeat_line, drop_line)))
FILES = (misplace, rename)
