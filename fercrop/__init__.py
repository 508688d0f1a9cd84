"""The command `fercrop`: a module a word of the command line."""
