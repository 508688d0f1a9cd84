"""How good are the landmarks that the regions follow?"""

from __future__ import annotations

from pipeline.evaluation.results import Landmarks
from pipeline.faces.trials import TEST_SPLITS
from pipeline.report.pictures import Picture
from pipeline.report.section import Block, Section
from pipeline.report.study import Origin
from pipeline.report.tables import Rows
from pipeline.report.words import percent


def landmark_rows(landmarks: Landmarks) -> Rows:
    """The errors of whoever found points: a row a provider, subset and view; the crops follow the first."""
    rows = [["points by", "subset, view", "faces", "NME", "AUC to 10%", "failures above 10%"]]
    for provider, subsets in landmarks.providers.items():
        for subset, views in subsets.items():
            for view, scores in views.items():
                errors = [f"{100 * scores.nme:.2f}%", f"{scores.auc:.3f}", percent(scores.failure_rate)]
                rows.append([provider, f"{subset}, {view}", f"{scores.n:,}", *errors])
    return rows


def note(landmarks: Landmarks) -> str:
    """What the errors mean, and how well bad points are known to be bad."""
    trust = landmarks.trust
    if not landmarks.providers[landmarks.provider]:
        return (
            "300-W was not at hand, so how good the points are was not measured here. What was measured when the model "
            "was made is in docs/model_card.md."
        )
    text = (
        "Mean error of the 68 points on the test faces, normalised by the inter-ocular distance (NME). grey_48 shows "
        "the faces as the expression images do: 48 pixels, grey, loosely framed."
    )
    if trust.auc is not None:
        text += (
            f" On {trust.n:,} test images with occlusion, blur, rotation and pictures without a face added, the "
            f"expected error tells errors above {trust.limit:.0%} from the rest with an area under the ROC curve of "
            f"{trust.auc:.3f}."
        )
    if "dlib" in landmarks.providers:
        text += " dlib's usual file was trained on 300-W, these test images included."
    return text


def section(landmarks: Landmarks, origin: Origin) -> Section:
    """The section."""
    rows, text = landmark_rows(landmarks), note(landmarks)
    paths = sorted((origin.reports / "landmarks").glob("*.png"))
    sheets = [Picture(path, path.stem.replace("_", " ").capitalize()) for path in paths]
    context = {"note": text, "rows": rows, "sheets": sheets}
    blocks = [Block("Landmarks", text, rows if len(rows) > 1 else [])]
    return Section("landmarks", "Landmarks", "Landmarks", context, blocks, metrics={"landmarks": _metrics(landmarks)})


def _metrics(landmarks: Landmarks) -> dict[str, float]:
    """The two test sets alone: every further number would be a column of `dvc exp show`."""
    return {
        f"landmark_nme_{subset}": round(views["grey_48"].nme, 4)
        for subset, views in landmarks.providers[landmarks.provider].items()
        if subset in TEST_SPLITS
    }
