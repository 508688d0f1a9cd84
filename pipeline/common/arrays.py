"""Named arrays as one `.npz`, written the same bytes for the same arrays and held against a schema as they are read;
and rows that are too many for the memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.common.files import InputError, whole_file
from pipeline.common.given import open_given

MAX_GROWTH = 64 << 20  # bytes that the arrays of an archive may be larger than its file


def save_arrays(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Write named arrays as one uncompressed `.npz`, the same bytes for the same arrays."""
    with whole_file(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path, schema: Mapping[str, tuple[str, tuple[int | None, ...]]]) -> dict[str, npt.NDArray[Any]]:
    """Read named arrays from an `.npz` and hold them against a schema.

    Args:
        path: the file.
        schema: for each array its dtype (or only its kind, such as `U`) and its shape; None stands for any length.
            The first axis is the row and must be equally long in all of them.

    Raises:
        InputError: the file is missing or damaged, or an array is absent or of another type or shape.
    """
    remedy = "delete it and run `dvc repro`"
    try:
        with open_given(path, "run `dvc repro` to make it") as file:
            _check_sizes(file)
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in schema if name in archive.files}
    except (InputError, PermissionError):
        raise
    except MemoryError:
        raise InputError(f"{path}: its arrays are larger than the memory; {remedy}") from None
    except Exception as error:  # zip, deflate and NumPy's header each raise errors of their own where they are damaged
        raise InputError(f"{path}: damaged ({error}); {remedy}") from None
    for name, (dtype, shape) in schema.items():
        if name not in arrays:
            raise InputError(f"{path}: holds no array {name!r}; {remedy}")
        found = arrays[name]
        same_shape = len(found.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if dtype not in (found.dtype.name, found.dtype.kind) or not same_shape:
            raise InputError(
                f"{path}: array {name!r} is {found.dtype} {found.shape}, expected {dtype} {shape}; {remedy}"
            )
    if len({len(array) for array in arrays.values()}) > 1:
        raise InputError(f"{path}: its arrays differ in length; {remedy}")
    return arrays


def mapped(blocks: Iterable[npt.NDArray[np.uint8]], shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Rows of this shape that come in blocks, one row (*shape) or several (n, *shape), as an array (N, *shape) on disk.

    It is mapped from a file without a name, which goes with the array, in the working folder: on many systems /tmp is
    memory.
    """
    with TemporaryFile(dir=Path.cwd()) as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)
        file.flush()
        # Copy on write: torch takes no array that cannot be written to.
        return np.asarray(np.memmap(file, np.uint8, "c")).reshape(-1, *shape)


def _check_sizes(file: BufferedReader) -> None:
    """Raise ValueError if an archive holds more than its file has room for: we write them uncompressed."""
    size = file.seek(0, 2)
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > size + MAX_GROWTH:
            raise ValueError("larger than fercrop writes it")
    file.seek(0)
