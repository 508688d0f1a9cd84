"""Say what each region is, with the definition of another one where it is to be like that."""

from pathlib import Path

from pipeline.params import load_params
from pipeline.regions.definition_files import save_definitions
from stages import run


def main() -> None:
    save_definitions(Path("data/regions"), load_params().regions)


if __name__ == "__main__":
    run(main)
