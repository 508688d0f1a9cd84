"""Faces whose parts are coloured by numbers."""

from __future__ import annotations

import re

import numpy as np
from defusedxml import ElementTree
from made_up import frontal_face
from page_reader import Reader

from pipeline.inside.mean_face import upright
from pipeline.params import load_params
from pipeline.report.face_charts import face, painted, poster, ramp, shade
from pipeline.report.sections.atlas import STYLE

PARTS = load_params().parts
HINTS = [f"{name} <b>" for name in PARTS]
FACE = upright(frontal_face()[None])[0]


def drawn(values: list[float], most: float = 0.4) -> Reader:
    return Reader(str(face(painted(FACE, PARTS, values, HINTS, most), 'happy & "sad"')))


def test_numbers_become_colours_by_sign_and_size() -> None:
    shown = [str(shade(value, 0.4)) for value in (0.4, -0.4, 0.1, 0.0, 9.0)]
    assert shown == [
        'class="shade more" style="--share:100%"',
        'class="shade less" style="--share:100%"',
        'class="shade more" style="--share:50%"',  # the root of a quarter
        'class="shade more" style="--share:0%"',
        'class="shade more" style="--share:100%"',
    ]
    assert "--share:0%" in str(shade(0.0, 0.0))


def test_the_scale_is_marked_where_colours_are_full_and_half() -> None:
    assert Reader(str(ramp(40))).texts("span") == ["-40", "-10", "0", "+10", "+40"]


def test_every_part_is_drawn_in_its_colour_the_first_on_top() -> None:
    values = np.linspace(-0.4, 0.4, len(PARTS)).tolist()
    reader = drawn(values)
    said = reader.texts("title")
    assert said[0] == HINTS[-1]  # outside, below all
    assert list(dict.fromkeys(said)) == HINTS[::-1]
    assert said.count(HINTS[0]) == 2  # eyes
    shares = [each["style"] for each in reader.of("polygon") if each.get("style")]
    assert shares[-1] == "--share:100%"
    assert reader.of("svg")[0]["aria-label"] == 'happy & "sad"'


def test_the_mouth_is_drawn_where_the_mouth_is() -> None:
    """In hundredths of the inter-ocular distance; its margin is the width of its outline."""
    reader = drawn([0.0] * len(PARTS))
    mouth = next(
        attributes
        for (tag, attributes, text), after in zip(reader.elements, reader.elements[1:], strict=False)
        if tag == "polygon" and "".join(after[2]).startswith("mouth")
    )
    corners = np.array([float(x) for x in re.split("[ ,]", str(mouth["points"]))]).reshape(-1, 2)
    np.testing.assert_allclose(corners.min(axis=0), 100 * FACE[48:68].min(axis=0), atol=0.1)
    np.testing.assert_allclose(corners.max(axis=0), 100 * FACE[48:68].max(axis=0), atol=0.1)
    assert mouth["stroke-width"] == "24"


def test_a_poster_is_an_image_of_its_own() -> None:
    paintings = [painted(FACE, PARTS, [value] * len(PARTS), HINTS, 0.4) for value in (0.1, 0.2, 0.3, 0.4, -0.4)]
    faces = [((f"face {place}", "mouth <3", "+1"), painting) for place, painting in enumerate(paintings)]
    root = ElementTree.fromstring(poster(faces, 40, STYLE.read_text("utf-8")))
    name = "{http://www.w3.org/2000/svg}"
    frames = root.findall(f"{name}svg")
    assert [(frame.get("x"), frame.get("y")) for frame in frames] == [
        ("0", "0"), ("236", "0"), ("472", "0"), ("708", "0"), ("0", "345"),
    ]  # fmt: skip
    assert all(len(frame.findall(f"{name}polygon")) >= 7 for frame in frames)
    texts = [text.text for text in root.findall(f"{name}text")]
    assert texts[:3] == ["face 0", "mouth <3", "+1"]
    assert texts[-5:] == ["-40", "-10", "0", "+10", "+40"]
