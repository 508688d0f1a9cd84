"""Landmarks as they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_reader import Reader
from studies import as_lines, by_hand

from pipeline.evaluation.results import PointScores, Results, TrustScores
from pipeline.report.page import render
from pipeline.report.sections.landmarks import landmark_rows, note, section
from pipeline.report.study import Origin


@pytest.fixture
def results() -> Results:
    return by_hand().results


def test_landmarks_as_they_are_read(results: Results) -> None:
    ours = results.landmarks.providers["xception"]
    some = {"ibug": {"grey_48": PointScores(n=1135, nme=0.08004, auc=0.25, failure_rate=0.2)}}
    landmarks = results.landmarks.model_copy(update={"providers": {"xception": ours, "dlib": some}})
    assert as_lines(landmark_rows(landmarks)) == [
        "points by; subset, view; faces; NME; AUC to 10%; failures above 10%",
        "xception; common, full_resolution; 1,554; 4.56%; 0.568; 6.2%",
        "xception; common, grey_48; 1,554; 6.12%; 0.410; 10.5%",
        "xception; challenging, full_resolution; 1,554; 4.56%; 0.568; 6.2%",
        "xception; challenging, grey_48; 1,554; 6.12%; 0.410; 10.5%",
        "dlib; ibug, grey_48; 1,135; 8.00%; 0.250; 20.0%",
    ]


def test_the_note_on_landmarks_says_how_well_bad_points_are_told_from_good(results: Results) -> None:
    trust = TrustScores(n=4134, limit=0.08, auc=0.95678, caught=0.9, lost=0.1)
    text = note(results.landmarks.model_copy(update={"trust": trust}))
    assert text.startswith("Mean error of the 68 points on the test faces, normalised by the inter-ocular distance")
    assert " On 4,134 test images with occlusion, blur, rotation and pictures without a face added, " in text
    assert "tells errors above 8% from the rest with an area under the ROC curve of 0.957." in text
    assert "dlib" not in text


def test_the_note_on_landmarks_says_nothing_of_a_trust_that_could_not_be_measured(results: Results) -> None:
    unknown = results.landmarks.trust.model_copy(update={"auc": None})
    text = note(results.landmarks.model_copy(update={"trust": unknown}))
    assert text.endswith("48 pixels, grey, loosely framed.")
    assert "ROC" not in text


def test_the_note_on_landmarks_warns_that_dlib_has_seen_the_test_faces(results: Results) -> None:
    providers = results.landmarks.providers
    both = results.landmarks.model_copy(update={"providers": {**providers, "dlib": providers["xception"]}})
    assert note(both).endswith(" dlib's usual file was trained on 300-W, these test images included.")


def test_the_points_of_every_provider_are_listed_under_what_they_mean(results: Results, tmp_path: Path) -> None:
    ours = results.landmarks.providers["xception"]
    both = results.landmarks.model_copy(update={"providers": {"xception": ours, "dlib": {"common": ours["common"]}}})
    page = render(section(both, Origin(tmp_path, tmp_path / "sources.json", None)))
    reader = Reader(f"<main>{page}</main>")
    rows = reader.table("points by", "subset, view")
    assert [row[:2] for row in rows] == [
        *(["xception", f"{subset}, {view}"] for subset in ours for view in ours[subset]),
        *(["dlib", f"common, {view}"] for view in ours["common"]),
    ]
    assert note(both) in reader.text


def test_metrics_for_dvc_are_of_the_two_test_sets(results: Results, tmp_path: Path) -> None:
    theirs = results.landmarks.providers["xception"]
    view = theirs["common"]["grey_48"].model_copy(update={"nme": 0.051234})
    ours = {**theirs, "common": {"grey_48": view}, "common_helen": theirs["common"]}
    landmarks = results.landmarks.model_copy(
        update={"provider": "dlib", "providers": {"xception": theirs, "dlib": ours}}
    )
    metrics = section(landmarks, Origin(tmp_path, tmp_path / "sources.json", None)).metrics
    assert metrics == {"landmarks": {"landmark_nme_common": 0.0512, "landmark_nme_challenging": 0.0612}}
