"""Say what a leak is worth: the networks of two finished runs side by side on the rows that both test.

python -m stages.leak REPORTS_A REPORTS_B: for example the reports of a split in folds with `group: none` and of one
with `group: both`, copied from the runs that made them.
"""

from pathlib import Path

from pipeline.report.tables import markdown_table
from pipeline.report.two_splits import Tested, beside, read_tested, split_rows
from stages import run


def main(reports_a: str, reports_b: str) -> None:
    one, other = read_tested(Path(reports_a)), read_tested(Path(reports_b))
    table, rows, many = beside(one, other)
    for name, run_ in (("A", one), ("B", other)):
        print(_described(name, run_))
    print(f"{rows:,} rows are tested by both; they are worth {many:,.0f} independent ones.\n")
    print(markdown_table(split_rows(table, "A", "B")))
    seeds = int(table["seeds"].iloc[0])
    chance = "the images, by groups, and the trainings" if seeds > 1 else "the images alone, by groups"
    print(f"Accuracy on test, mean over {seeds} seed{'s' if seeds > 1 else ''}; A less B in points, paired by row.")
    print(f"The interval takes {chance}, as samples.", end=" ")
    print("" if seeds > 1 else "With one seed no difference can be called significant.")


def _described(name: str, tested: Tested) -> str:
    known = int(tested.known.sum())
    return (
        f"{name}: {tested.folder}, recipe {tested.recipe}, {len(tested.rows):,} rows tested, {known:,} of them with a "
        "twin in what trained or chose their network"
    )


if __name__ == "__main__":
    run(main)
