"""Pixels written as text, read many rows at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def parse_rows(rows: list[bytes], count: int) -> npt.NDArray[np.uint8] | None:
    """Read rows of numbers with blanks between, such as `70 80 255`.

    Works on all bytes at once with operations on single bytes, many of which a processor does in one step.

    Args:
        rows: one at least.
        count: of numbers in a row.

    Returns:
        (rows, count); None if any row is not that many numbers from 0 to 255, of three digits at most, or has anything
        else in it. Which row it is, and what to say of it, is for the caller to find out.
    """
    # Three blanks before the first row and one after each: every digit has three bytes before it and one after.
    text = np.frombuffer(b" ".join([b"  ", *rows, b""]), np.uint8)
    digits = text - ord("0")  # what is no digit becomes 10 or more, for bytes below "0" wrap around
    is_digit = digits < 10
    if np.count_nonzero(is_digit) + np.count_nonzero(text == ord(" ")) != len(text):
        return None
    here, one_before, two_before, three_before = (is_digit[3 - back : len(text) - 1 - back] for back in range(4))
    if (here & one_before & two_before & three_before).any():
        return None
    last = here > is_digit[4:]  # the last digit of each number
    start = 0
    for row in rows:
        if np.count_nonzero(last[start : start + len(row)]) != count:
            return None
        start += len(row) + 1
    digits *= is_digit
    hundreds = digits[1:-3] * one_before
    below = digits[2:-2] * 10 + digits[3:-1]
    if (last & ((hundreds > 2) | ((hundreds == 2) & (below > 55)))).any():
        return None
    return (hundreds * 100 + below)[last].reshape(-1, count)
