"""Read FER2013 and FER+, find images that occur more than once, and count what is wrong."""

from dataclasses import replace
from pathlib import Path

from pipeline.common.files import InputError, whole_folder, write_json
from pipeline.data.audit import audit
from pipeline.data.protocols import rows
from pipeline.data.readers import fer2013
from pipeline.data.sources import Sources
from pipeline.data.twin_search import find_twins
from pipeline.data.twins import rows_without_leak
from pipeline.params import load_params
from pipeline.report import pictures
from stages import run


def main() -> None:
    params = load_params()
    sources = Sources.load(params.source_folder / "sources.json")
    expressions = fer2013.read(sources)
    twins = find_twins(expressions.images, params.twins.min_correlation)
    if not params.twins.train_on:
        expressions = replace(expressions, for_training=rows_without_leak(twins.twins, expressions.split))
    # Said here, and not after hours of training.
    rows(expressions.split, twins.twins, "test_unique")
    if not expressions.for_training.any():
        raise InputError("params.yaml: twins.train_on: leaves no image to train on; set it to true")
    with whole_folder(Path("reports/expressions")) as part:
        write_json(part / "audit.json", audit(expressions, twins))
        pictures.save_png(part / "classes.png", pictures.expressions_sheet(expressions.images, expressions.labels))
        pictures.save_png(part / "audit.png", pictures.audit_sheet(expressions, twins))
    twins.save(Path("data/twins.npz"))
    expressions.save(Path("data/expressions.npz"))


if __name__ == "__main__":
    run(main)
