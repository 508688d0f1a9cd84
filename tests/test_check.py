"""Before any work starts: settings, and DVC's lock file, which a kill may tear."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import ROOT

from pipeline.common.files import InputError
from stages.check import check_lock


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_torn_lock_file_is_one_line_with_the_remedy(tmp_path: Path, kept: float) -> None:
    content = (ROOT / "dvc.lock").read_bytes()
    cut = content[: int(kept * len(content))]
    (tmp_path / "dvc.lock").write_bytes(cut[: cut.rindex(b"path:")])
    with pytest.raises(InputError, match="torn .* restore it with git or delete it"):
        check_lock(tmp_path / "dvc.lock")


def test_a_whole_lock_file_and_none_are_fine(tmp_path: Path) -> None:
    check_lock(ROOT / "dvc.lock")
    check_lock(tmp_path / "dvc.lock")
