"""Broken inputs: what every public reader does with files that were changed at random.

    make fuzz                                     # 2,000 cases and more, in a few minutes
    PYTHONPATH=tests python -m fuzz.run jpeg 17   # one case again, with all that it said

A reader is added in `families/__init__.py`.
"""
