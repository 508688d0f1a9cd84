"""What a network of `networks` is given: the shape of its task, and its own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from pipeline.common.settings import Section

if TYPE_CHECKING:
    from pipeline.data.expressions import Expressions


class Shape(NamedTuple):
    """What a network takes and gives: (N, channels, side, side) in -1..1 to (N, classes), a number a class."""

    classes: int
    channels: int
    side: int

    @classmethod
    def of(cls, data: Expressions) -> Shape:
        """That of the task to tell a data set's classes from its images."""
        return cls(len(data.about.classes), data.channels, data.side)


class NetworkSettings(Section):
    """A network's own settings. These are none; a network that has some defines a class `Settings` of this kind."""

    @property
    def last_only(self) -> bool:
        """Whether the last layer alone is trained, and all before it stays as it is built, the same for every seed.

        Such a network has two children: `body`, (N, channels, side, side) to (N, features, 1, 1), and `last`.
        """
        return False

    def sides(self, side: int, epochs: int) -> list[int]:
        """The side of the images in each epoch of a training, in pixels: always the same."""
        return [side] * epochs

    def to_fill(self) -> Self:
        """The settings of a network of the same shape whose weights are at hand: none are downloaded for it."""
        return self
