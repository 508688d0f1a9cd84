"""Students: classifiers that learn not from the labels alone but from what other classifiers say of the same images.

Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015 (arXiv 1503.02531).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from pipeline.common.settings import Fraction, Section


class Student(Section):
    """One student, trained with every seed like any other classifier, by its network's recipe but for its epochs.

    Attributes:
        name: of the student; what it makes is called by it.
        region: what it sees.
        network: what it is, and what its teachers are.
        teachers: the regions whose classifiers, of the same seed, teach it; none for a control, which learns the same
            way from the labels alone.
        epochs: that it is trained for, without an early stop.
        share: how much of what it shall answer is what its teachers say together; the rest is the label.
    """

    name: str
    region: str
    network: str
    teachers: list[str]
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    share: Annotated[Fraction, Field(validate_default=True)] = 0.0

    @field_validator("teachers")
    @classmethod
    def _once_each(cls, teachers: list[str]) -> list[str]:
        if len(set(teachers)) < len(teachers):
            raise ValueError("must name each region once")
        return teachers
