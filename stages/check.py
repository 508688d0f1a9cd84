"""Check params.yaml and dvc.lock before any work starts. `make repro` runs it first; no stage depends on it."""

from pathlib import Path

from pipeline.common.files import InputError
from pipeline.params import load_params
from stages import run

LOCK = Path("dvc.lock")


def main() -> None:
    load_params()
    check_lock(LOCK)


def check_lock(path: Path) -> None:
    """Raise InputError if DVC's lock file is torn: DVC writes it in place, and a kill at that moment leaves a part."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from ruamel.yaml import YAML

    if not path.exists():
        return
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(path.read_bytes()))
    except Exception as error:  # of YAML, of text, of the schema
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: torn ({reason}), as a kill leaves it while DVC writes it; restore it with git or delete it, and "
            "run again: what was made comes from DVC's cache, or is made anew"
        ) from None


if __name__ == "__main__":
    run(main)
