"""The readers that the fuzzer breaks, a module a family of them. To add one, write its module and name it here."""

from __future__ import annotations

from fuzz.families import faces, fer2013, images, intermediates, pictures, prepared
from fuzz.family import Family

MODULES = (faces, fer2013, images, intermediates, pictures, prepared)

FAMILIES: dict[str, Family] = {family.name: family for module in MODULES for family in module.FAMILIES}
