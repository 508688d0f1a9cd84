"""Check params.yaml before any work starts. `make repro` runs it first; no stage of the graph depends on it."""

from pipeline.params import load_params
from stages import run


def main() -> None:
    load_params()


if __name__ == "__main__":
    run(main)
