"""The most confident errors of a target's highest row, as pictures: what a network is sure of and wrong about."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from indomain.data.images.sheets import GAP, sheet
from indomain.data.split import Split
from indomain.runs.task import Work
from report.arms import ArmResults
from report.comparison import less_is_better
from report.given import ReportInput

SIDE, LINE = 128, 26  # pixels of a picture on the sheet, and of the words below it


def write(work: Work, arms: list[ArmResults], given: ReportInput, folder: Path) -> list[tuple[str, Path]]:
    """Writes `errors-TARGET.png` for each target; returns (title, file) of each.

    Args:
        work: the report's, whose paths have the splits.
        arms: all arms of the table.
        given: the input of the report.
        folder: where to write.
    """
    number, found = given.options["errors"], []
    for place, paths in work.task.paths.get("splits", {}).items() if number else []:
        profile, _, target = place.partition("/")
        arm = _highest([one for one in arms if (one.key.profile, one.key.target) == (profile, target)], given)
        if arm is None or profile != "strict" or given.is_marked(arm.key):
            continue
        wrong = most_confident(arm, number)
        if not wrong:
            continue
        split = Split.open(paths)
        rows = split.every_fold().drop_duplicates("id").set_index("id")["row"]
        known = [entry for entry in wrong if entry[0] in rows.index]
        images = split.images(split.info.channels)(rows.loc[[entry[0] for entry in known]].to_numpy())
        path = folder / f"errors-{target.replace('/', '_')}.png"
        _sheet(images, [words for _, words in known]).save(path)
        whose = f"{target}: {arm.key.chain}, {arm.key.backbone}, {arm.key.method}"
        title = f"{whose}; the true class, then what the network says and its mean score"
        found.append((title, path))
    return found


def most_confident(arm: ArmResults, number: int) -> list[tuple[str, str]]:
    """The images that are wrong with the highest scores, the mean over the trainings that test them: (id, words).

    Args:
        arm: the arm.
        number: at most so many.
    """
    scores: dict[str, list[np.ndarray]] = {}
    truth: dict[str, int] = {}
    for run in arm.runs:
        for name, y, score in zip(run.ids, run.y, run.scores):
            scores.setdefault(str(name), []).append(score)
            truth[str(name)] = int(y)
    wrong = []
    for name, values in scores.items():
        mean = np.mean(values, axis=0)
        said = int(mean.argmax())
        if said != truth[name]:
            wrong.append(
                (
                    float(mean[said]),
                    name,
                    f"{arm.info.classes[truth[name]]}, said: {arm.info.classes[said]} {mean[said]:.2f}",
                )
            )
    return [(name, words) for _, name, words in sorted(wrong, key=lambda entry: (-entry[0], entry[1]))[:number]]


def _highest(arms: list[ArmResults], given: ReportInput) -> ArmResults | None:
    """The arm with the highest mean of the first metric, by image, at the largest label budget."""
    from report.table import measured

    plain = [
        arm
        for arm in arms
        if arm.is_comparable and arm.key.level == "image" and not arm.key.method.calibrated and not arm.info.cut
        and arm.key.budget == given.largest_budget(arm.key.target)
    ]  # fmt: skip
    sign = -1 if less_is_better(given.metric) else 1
    means = [(sign * measured(given, arm, arm.runs, [given.metric])[given.metric].mean, arm) for arm in plain]
    known = [(mean, arm) for mean, arm in means if mean == mean]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def _sheet(images: np.ndarray, words: list[str]) -> Image.Image:
    """The images side by side with their words below."""
    pictures = np.stack(
        [np.asarray(Image.fromarray(np.squeeze(image)).resize((SIDE, SIDE)).convert("RGB")) for image in images]
    )
    row = sheet(pictures[None], len(pictures))
    canvas = Image.new("RGB", (row.width, row.height + LINE), "white")
    canvas.paste(row, (0, 0))
    draw = ImageDraw.Draw(canvas)
    for number, text in enumerate(words):
        left = GAP + number * (SIDE + GAP)
        draw.multiline_text((left, row.height), text.replace(", said:", "\nsaid:"), fill="#333333", font_size=10)
    return canvas
