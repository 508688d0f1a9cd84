"""How was the report made?"""

from __future__ import annotations

import io
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.common.files import InputError
from pipeline.common.records import read_json
from pipeline.params import Params
from pipeline.report.section import Section
from pipeline.report.study import Origin, Study
from pipeline.report.tables import Rows

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "statsmodels", "pandas", "opencv-python-headless", "dvc")


def file_rows(sources: Path) -> Rows:
    """The files of the data sets. Raises InputError if their record is missing or has another shape."""
    rows = [["data set", "path", "files", "bytes", "SHA-256"]]
    record = read_json(sources)
    try:
        for name, item in record.items():
            if item is not None:
                rows.append([name, str(item["path"]), f"{item['files']:,}", f"{item['bytes']:,}", str(item["sha256"])])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{sources}: does not describe the data sets; delete it and run `dvc repro`") from None
    return rows


def section(study: Study, origin: Origin) -> Section:
    """The section. Raises InputError if the record of the data sets is missing or has another shape."""
    packages = [["package", "version"], *([name, version(name)] for name in PACKAGES)]
    context = {
        "commit": origin.commit,
        "settings": _settings(study.params),
        "files": file_rows(origin.sources),
        "packages": packages,
    }
    return Section("making", "Making", "How it was made", context)


def _settings(params: Params) -> str:
    """params.yaml with the recipe that was used."""
    content: dict[str, Any] = params.model_dump(mode="json", exclude={"recipes"})
    content["recipes"] = {params.recipe: params.chosen.model_dump(mode="json")}
    writer = YAML(typ="safe", pure=True)
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.default_flow_style = None  # innermost lists and mappings in one line
    writer.width = 1000  # the page scrolls
    text = io.StringIO()
    writer.dump(content, text)
    return text.getvalue()
