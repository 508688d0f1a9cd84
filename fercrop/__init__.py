"""The command line: `fercrop photo.jpg`. All that it does is in `pipeline`; here are words, and what is printed.

A module whose name does not begin with an underscore is a command of its name, `fercrop serve` say: it has a docstring
of one line, which `fercrop --help` shows, and `main(words)`, which takes the words after its name.
"""
