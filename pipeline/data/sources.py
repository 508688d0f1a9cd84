"""Which data sets there are: found in a folder, and recorded so that a changed set is noticed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.files import InputError, digest, read_json, write_json
from pipeline.faces import photographs as faces

EXPRESSIONS = tuple(f"fer2013.csv{suffix}" for suffix in ("", ".gz", ".xz", ".zip"))
FERPLUS = "fer2013new.csv"
DLIB_FOLDER = "ibug_300W_large_face_landmark_dataset"

GET_EXPRESSIONS = (
    "FER2013 (fer2013.csv, also .gz, .xz or .zip; published at Kaggle: Challenges in Representation Learning: "
    "Facial Expression Recognition Challenge)"
)
GET_FACES = (
    f"iBUG 300-W (the folder {DLIB_FOLDER} from dlib.net, "
    "or the folders afw, helen, lfpw and ibug from ibug.doc.ic.ac.uk)"
)


@dataclass(frozen=True)
class Sources:
    """Where the published data sets are; `ferplus` is None where there is none."""

    expressions: Path
    ferplus: Path | None
    faces: Path

    def save(self, path: Path) -> None:
        """Write `sources.json`: for each set its path from there, number of files, bytes and SHA-256.

        Raises:
            InputError: the face set's files do not fit together; see `faces.find_photographs`.
        """
        record: dict[str, Any] = {
            "expressions": _describe(self.expressions, [self.expressions], path.parent),
            "ferplus": _describe(self.ferplus, [self.ferplus], path.parent) if self.ferplus else None,
            "faces": _describe(self.faces, faces.files_300w(self.faces), path.parent),
        }
        write_json(path, record)

    @classmethod
    def load(cls, path: Path) -> Sources:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or damaged.
        """
        record = read_json(path)
        try:
            ferplus = record["ferplus"]
            return cls(
                expressions=_resolve(path, record["expressions"]),
                ferplus=_resolve(path, ferplus) if ferplus is not None else None,
                faces=_resolve(path, record["faces"]),
            )
        except (KeyError, TypeError):
            raise InputError(f"{path}: does not describe the data sets; delete it and run `dvc repro`") from None


def find_sources(folder: Path) -> Sources:
    """Find the data sets in a folder.

    Raises:
        InputError: FER2013 or 300-W is not there; one line with all that is missing and where to get it.
    """
    expressions = next((folder / name for name in EXPRESSIONS if (folder / name).is_file()), None)
    ferplus = folder / FERPLUS
    candidates = (folder / DLIB_FOLDER, folder / "300W", folder / "300w", folder)
    face_folder = next((candidate for candidate in candidates if _holds_faces(candidate)), None)
    if expressions is None or face_folder is None:
        missing = [what for what, found in ((GET_EXPRESSIONS, expressions), (GET_FACES, face_folder)) if found is None]
        raise InputError(f"{folder}: missing {' and '.join(missing)}; put it into {folder}, as data/raw/README.md says")
    return Sources(expressions, ferplus if ferplus.is_file() else None, face_folder)


def _holds_faces(folder: Path) -> bool:
    return any((folder / name).exists() for name in (*faces.LABELS, *faces.FOLDERS))


def _resolve(path: Path, record: dict[str, Any]) -> Path:
    return Path(os.path.normpath(path.parent / record["path"]))


def _describe(path: Path, files: list[Path], base: Path) -> dict[str, Any]:
    """What `sources.json` says of one set."""
    return {
        "path": Path(os.path.relpath(path, base)).as_posix(),
        "files": len(files),
        "bytes": sum(file.stat().st_size for file in files),
        "sha256": _digest_set(path, files),
    }


def _digest_set(path: Path, files: list[Path]) -> str:
    """SHA-256 of a file; for a folder that of a list as `sha256sum` prints it, ordered by name."""
    if files == [path]:
        return digest(path)
    names = {file.relative_to(path).as_posix(): file for file in files}
    lines = [f"{digest(names[name])}  {name}\n" for name in sorted(names)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
