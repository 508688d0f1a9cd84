"""Takes the first word to the module of its name, or all words to `_photographs`."""

from __future__ import annotations

import sys
from importlib import import_module

from fercrop._words import DEFAULT, commands
from pipeline.common.ending import begin, end_at_once, tell_in_one_line


def split(words: list[str]) -> tuple[str, list[str]]:
    """The command, and the words for it."""
    return (words[0], words[1:]) if words and words[0] in commands() else (DEFAULT, words)


def main() -> None:
    """Run the command, and end the process: well, or with one line and status 1."""
    tell_in_one_line(at_once=True)
    name, words = split(sys.argv[1:])
    command = import_module(f"fercrop.{name}")
    begin()
    command.main(words)
    end_at_once()


if __name__ == "__main__":
    main()
