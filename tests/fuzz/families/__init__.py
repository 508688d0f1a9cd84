"""The readers that the fuzzer breaks, a module a family of them. To add one, write its `Family` and name it here."""

from __future__ import annotations

from fuzz.families import faces, fer2013, images, pictures
from fuzz.family import Family

FAMILIES: dict[str, Family] = {
    family.name: family for module in (images, faces, fer2013, pictures) for family in module.FAMILIES
}
