"""Tables that were published as CSV, perhaps compressed: read in blocks, and each fault told with its line."""

from __future__ import annotations

import csv
import gzip
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import SEEK_END, BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt
import pyarrow
from pyarrow import csv as arrow_csv

from pipeline.common.files import InputError
from pipeline.common.given import lies_there, open_given

COMPRESSIONS = {".gz": "gzip", ".xz": "xz", ".zip": "zip"}
BLOCK = 1 << 20  # bytes of text that are read at a time
MAX_BYTES = 1 << 30  # of text, also of what an archive holds; FER2013 has 300 MB
MAX_DIRECTORY = 1 << 20  # bytes in which a zip archive lists what it holds


def find_table(folder: Path, name: str) -> Path | None:
    """The table of this name in a folder, plain or compressed; also what merely lies in its place."""
    paths = [folder / f"{name}{suffix}" for suffix in ("", *COMPRESSIONS)]
    return next((path for path in paths if lies_there(path)), None)


def read_blocks(path: Path, columns: Sequence[str], publisher: str) -> Iterator[list[list[bytes]]]:
    """Yield the named columns, each the texts of some rows, so that a large file needs little memory.

    In messages the header is line 1; empty lines are passed over and not counted.

    Raises:
        InputError: the file is missing or no such table; it says to download it from `publisher`.
        PermissionError: it may not be read.
    """
    remedy = f"download it again from {publisher}"
    line = 1
    try:
        with _open(path, remedy) as file:
            names = _read_header(file)
            absent = [name for name in columns if name not in names]
            twice = [name for name in columns if names.count(name) > 1]
            if not names:
                raise InputError(f"{path}: is empty; {remedy}")
            if absent:
                raise InputError(f"{path}: line 1: has no column {' or '.join(absent)}; {remedy}")
            if twice:
                raise InputError(f"{path}: line 1: has the column {' and '.join(twice)} twice; {remedy}")
            if not _pass_empty_lines(file):
                return
            blocks = arrow_csv.open_csv(
                file,
                # With several threads Arrow could not tell the number of a wrong row.
                arrow_csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
                arrow_csv.ParseOptions(newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pyarrow.binary()), include_columns=list(columns)
                ),
            )
            with blocks:
                for block in blocks:
                    if block.num_rows:  # else it held empty lines only
                        yield [column.to_pylist() for column in block.columns]
                        line += block.num_rows
    except PermissionError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line 1: is not UTF-8 text ({error.reason}); {remedy}") from None
    except csv.Error as error:
        raise InputError(f"{path}: line 1: is not the header of a CSV file ({error}); {remedy}") from None
    except pyarrow.ArrowInvalid as error:
        ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
        if ragged:
            row, expected, found = map(int, ragged.groups())
            reason = f"line {row + 1}: has {found} column{'s' if found > 1 else ''}, not {expected}"
        else:  # a row that is longer than a block
            reason = f"after line {line}: is not a CSV file, or a quotation mark is not closed"
        raise InputError(f"{path}: {reason}; {remedy}") from None
    except (EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        kind = COMPRESSIONS.get(path.suffix, "readable")
        raise InputError(f"{path}: is not a whole {kind} file ({error}); {remedy}") from None


def parse_integers(path: Path, line: int, name: str, texts: Sequence[bytes], largest: int) -> npt.NDArray[np.uint8]:
    """The values (n,) of a column of whole numbers from 0 to `largest`, whose first text stands on `line`."""
    known = {str(value).encode(): value for value in range(largest + 1)}
    values = [known.get(text.strip(), -1) for text in texts]
    if -1 in values:
        row = values.index(-1)
        raise InputError(
            f"{path}: line {line + row}: {name} is {shown(texts[row])}, not one of 0 to {largest}; "
            "download the file again"
        )
    return np.array(values, np.uint8)


def parse_names(
    path: Path, line: int, column: str, texts: Sequence[bytes], names: Sequence[str]
) -> npt.NDArray[np.str_]:
    """The values (n,) of a column that holds one of these names, and whose first text stands on `line`."""
    known: Mapping[bytes, str] = {name.encode(): name for name in names}
    values = [known.get(text.strip(), "") for text in texts]
    if "" in values:
        row = values.index("")
        raise InputError(
            f"{path}: line {line + row}: {column} is {shown(texts[row])}, not one of {', '.join(names)}; "
            "download the file again"
        )
    return np.array(values, f"U{max(map(len, names))}")


def shown(text: bytes) -> str:
    """The beginning of a text in quotation marks."""
    return repr(text.decode(errors="replace").strip()[:20])


class _Bounded(RawIOBase):
    """A file of which no more than `MAX_BYTES` are read, whatever an archive makes of a few."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.file, self.path, self.left = file, path, MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = cast(BufferedReader, self.file).readinto(buffer)
        self.left -= count
        if self.left < 0:
            raise InputError(f"{self.path}: holds more than {MAX_BYTES:,} bytes, more than any such table; remove it")
        return count


@contextmanager
def _open(path: Path, remedy: str) -> Iterator[BufferedReader]:
    """Open a file that may be compressed, by its suffix."""
    with open_given(path, remedy) as file, _unpacked(path, file, remedy) as text:
        yield BufferedReader(_Bounded(text, path), BLOCK)


def _unpacked(path: Path, file: BufferedReader, remedy: str) -> IO[bytes]:
    """What a file holds, if it is compressed, else the file itself."""
    if path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(file))
    if path.suffix == ".xz":
        return lzma.open(file)
    if path.suffix != ".zip":
        return file
    if _directory_size(file) > MAX_DIRECTORY:
        raise InputError(f"{path}: holds too many files; {remedy}")
    archive = zipfile.ZipFile(file)
    tables = [name for name in archive.namelist() if Path(name).name == path.stem]
    if len(tables) != 1:
        raise InputError(f"{path}: holds {len(tables)} files {path.stem}, not one; {remedy}")
    if archive.getinfo(tables[0]).flag_bits & 1:
        raise InputError(f"{path}: is encrypted; unpack {path.stem} beside it and remove the archive")
    return archive.open(tables[0])


def _directory_size(file: BufferedReader) -> int:
    """How many bytes the end of a zip archive says that its directory has; 0 if it is none."""
    file.seek(0, SEEK_END)
    file.seek(max(0, file.tell() - (1 << 16) - 22))
    end = file.read()
    start = end.rfind(b"PK\5\6")
    file.seek(0)
    return int(struct.unpack_from("<I", end, start + 12)[0]) if 0 <= start <= len(end) - 22 else 0


def _read_header(file: BufferedReader) -> list[str]:
    """The names of the columns; none if the file is empty."""
    if not _pass_empty_lines(file):
        return []
    line = file.readline(BLOCK).decode("utf-8-sig")
    return [name.strip() for name in next(csv.reader([line], skipinitialspace=True))]


def _pass_empty_lines(file: BufferedReader) -> bool:
    """Whether anything comes after empty lines."""
    while ahead := file.peek():
        text = ahead.lstrip(b"\r\n")
        file.read(len(ahead) - len(text))
        if text:
            return True
    return False
