"""`indomain data new FOLDER`: drafts a manifest for the user's own images, and states what was assumed."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from indomain.data.images import decoding
from indomain.data.manifest import FolderReader, Manifest
from indomain.data.readers.folder import list_files, pattern_regex
from indomain.data.readers.npz import read as read_npz
from indomain.data.readers.paths import SPLIT_WORDS
from indomain.errors import RequestError
from indomain.files import write_text

_POSITIVE = ("abnormal", "positive", "malignant", "melanoma", "disease", "diseased", "cancer", "tumor", "tumour", "covid",
             "pneumonia", "ulcer", "1", "yes", "sick", "lesion")  # fmt: skip
_NEGATIVE = ("normal", "negative", "benign", "healthy", "control", "0", "no", "non", "none", "other")
# How file names may name patients: by their first words, or by all but a last short number.
_WORDS = "[^-_ ]+"
_PATIENT_PATTERNS = (
    f"{{patient:{_WORDS}}}{{view:[-_ ].*}}",
    r"{patient:[A-Za-z]+[-_ ]?\d+}{view:[-_ A-Za-z].*}",
    f"{{patient:{_WORDS}[-_ ]{_WORDS}}}{{view:[-_ ].*}}",
    f"{{patient:{_WORDS}[-_ ]{_WORDS}[-_ ]{_WORDS}}}{{view:[-_ ].*}}",
    r"{patient:.+}{view:[-_]\d{1,3}}",
)
_FEWEST_PATIENTS = 10  # two for each of five folds


def write(folder: Path, output: Path | None = None) -> Path:
    """Writes a manifest for a folder of images or for one `.npz` file, and prints what was assumed.

    Args:
        folder: a folder with one folder per class, optionally inside train, val and test; a folder of images without
            classes; or an archive in MedMNIST's layout.
        output: the manifest to write; by default the folder's name with ".toml", in the current folder.

    Returns:
        The path of the manifest.

    Raises:
        RequestError: if there are no images, or the output already exists.
    """
    if not folder.exists():
        raise RequestError(f"no folder {folder}.")
    name = name_of(folder)
    output = output or Path(f"{name}.toml")
    if output.exists():
        raise RequestError(f"{output} already exists; name another file with --output, or remove it.")
    draft, assumed = _draft_for_archive(folder) if folder.suffix == ".npz" else _draft_for_folder(folder)
    write_text(output, _as_toml(name, folder, draft, assumed))
    print(f"{output} written. Please check what was assumed:")
    for sentence in assumed:
        print(f"  - {sentence}")
    print(f"Next: indomain data check {output}")
    return output


def name_of(folder: Path) -> str:
    """The name of a folder's data set: that of the folder, in plain letters.

    Args:
        folder: the folder, or an archive.
    """
    return re.sub(r"[^a-z0-9_]+", "_", folder.stem.lower()).strip("_") or "mine"


def _draft_for_archive(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The content of a manifest for an archive, and what was assumed."""
    read = {"reader": "npz", "file": str(path.resolve()), "outside": True}
    manifest = Manifest.model_validate({"name": "new", "title": "new", "read": read})
    records = read_npz(manifest, Path(), (64, 64))
    names = sorted({record.label for record in records} - {""})
    has_patients = any(record.patient for record in records)
    assumed = [f"Classes: {', '.join(names) or 'none'}."]
    assumed.append("Patients: from the array `groups`." if has_patients else "Patients: unknown.")
    positive = _positive(names, assumed)
    return {"read": read, "classes": names, "positive": positive}, assumed


def _draft_for_folder(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The content of a manifest for a folder of images, and what was assumed."""
    suffixes = FolderReader(reader="folder").suffixes
    paths = [path for path in list_files(folder) if path.suffix.lower() in suffixes]
    if not paths:
        raise RequestError(f"no image below {folder} (looked for {', '.join(suffixes)}).")
    parts = [path.relative_to(folder).parts for path in paths]
    counts = Counter(path.suffix for path in paths)
    assumed = [f"{len(paths)} images: {', '.join(f'{number} {suffix}' for suffix, number in counts.items())}."]
    read: dict[str, Any] = {"reader": "folder", "root": str(folder.resolve()), "outside": True}
    top = sorted({names[0] for names in parts if len(names) > 1})
    has_splits = bool(top) and all(name.lower() in SPLIT_WORDS for name in top)
    depth = 1 if has_splits else 0
    if any(len(names) <= depth + 1 for names in parts):
        read["labelled"] = False
        assumed.append(
            "No class folders: the images have no labels, and can only serve as the source of an objective without labels."
        )
        return {"read": read, "classes": [], "positive": ""}, assumed
    if has_splits:
        assumed.append(f"Official splits: {', '.join(top)}.")
    counts = Counter(names[depth] for names in parts)
    classes = sorted(counts)
    assumed.append("Classes: " + ", ".join(f"{name} ({counts[name]})" for name in classes) + ".")
    prefix = "{split}/{label}/" if has_splits else "{label}/"
    _find_patients(read, parts, depth, prefix, assumed)
    grey = [path for path in paths[:: max(1, len(paths) // 50)] if _is_grey(path)]
    assumed.append(
        f"Colour: {'grey' if grey else 'RGB'}, from a sample; every file is checked when the set is prepared."
    )
    return {"read": read, "classes": classes, "positive": _positive(classes, assumed)}, assumed


def _find_patients(
    read: dict[str, Any], parts: list[tuple[str, ...]], depth: int, prefix: str, assumed: list[str]
) -> None:
    """Adds a pattern to `read` if the folders inside the classes, or the file names, seem to identify patients."""
    if all(len(names) == depth + 3 for names in parts):
        if _look_like_patients([(names[depth], names[depth + 1]) for names in parts]):
            read["pattern"] = prefix + "{patient}/*"
            assumed.append("The folders inside the classes are patients.")
        else:
            assumed.append(
                "The folders inside the classes are too few or too large to be patients: all their images are used."
            )
        return
    if all(len(names) == depth + 2 for names in parts):
        stems = [Path(names[-1]).stem for names in parts]
        readings = []
        for pattern in _PATIENT_PATTERNS:
            matches = [pattern_regex(pattern).fullmatch(stem) for stem in stems]
            patients = [match["patient"] for match in matches if match]
            enough = len(patients) == len(stems) and len(set(patients)) >= _FEWEST_PATIENTS
            if enough and _look_like_patients([(names[depth], name) for names, name in zip(parts, patients)]):
                readings.append((len(set(patients)), pattern, patients))
        if readings:
            # The fewest patients that are enough: a reading that is too fine puts one person on both sides of a split.
            number, pattern, patients = min(readings, key=lambda reading: reading[0])
            read["pattern"] = f"{prefix}{pattern}.*"
            shown = dict(zip(patients[:: max(1, len(patients) // 3)], stems[:: max(1, len(patients) // 3)]))
            examples = "; ".join(f"{stem} → patient {patient}" for patient, stem in list(shown.items())[:3])
            assumed.append(
                f"Patients: {number}, from the file names, read as coarsely as leaves {_FEWEST_PATIENTS} ({examples}). If "
                "this is wrong, change or remove `pattern`."
            )
            return
    assumed.append(
        "No patients are named: every image counts as its own patient. If patients have several images, splits leak: add a "
        "pattern."
    )


def _look_like_patients(pairs: list[tuple[str, str]]) -> bool:
    """Whether the second words of the pairs (class, word) may identify patients.

    A word that more than a fifth of a class shares does not (images, masks, 40X, IMG); nor do words that never repeat.
    """
    sizes, classes = Counter(pairs), Counter(name for name, _ in pairs)
    small = all(number <= max(2, classes[name] / 5) for (name, _), number in sizes.items())
    return small and 2 <= len({word for _, word in pairs}) < len(pairs)


def _positive(classes: list[str], assumed: list[str]) -> str:
    """The class of two that seems to be positive, else ""; adds to `assumed`."""
    if len(classes) != 2:
        return ""
    for name in classes:
        if name.lower() in _POSITIVE:
            assumed.append(f"Positive class: {name}.")
            return name
    for name in classes:
        if name.lower() in _NEGATIVE or name.lower().startswith(("non", "no_", "not_", "normal")):
            positive = next(other for other in classes if other != name)
            assumed.append(f"Positive class: {positive}.")
            return positive
    assumed.append(f"Positive class: {classes[1]} (a guess).")
    return classes[1]


def _is_grey(path: Path) -> bool:
    try:
        return decoding.is_grey(path)
    except decoding.UnreadableImage:
        return False


def _as_toml(name: str, folder: Path, draft: dict[str, Any], assumed: list[str]) -> str:
    lines = [f"# Written by `indomain data new` for {folder}. Assumed:"]
    lines += [f"#   {sentence}" for sentence in assumed]
    lines += [f"name = {_quoted(name)}", f"title = {_quoted(folder.stem)}", 'licence = "not stated"', "", "[read]"]
    for key, value in draft["read"].items():
        lines.append(f"{key} = {str(value).lower() if isinstance(value, bool) else _quoted(value)}")
    lines += ["", "[images]", 'fit = "pad"  # or "crop", "stretch"']
    if draft["classes"]:
        lines += ["", "[labels]", '# Several labels may be merged into one class: other = ["a", "b"]']
        classes = ", ".join(f"{_quoted(label)} = [{_quoted(label)}]" for label in draft["classes"])
        lines.append(f"classes = {{ {classes} }}")
        if draft["positive"]:
            lines.append(f"positive = {_quoted(draft['positive'])}")
    return "\n".join([*lines, ""])


def _quoted(text: object) -> str:
    """The text as a TOML string, without escapes where possible, so that patterns stay readable."""
    word = str(text)
    if "'" not in word and not any(ord(letter) < 32 for letter in word):
        return f"'{word}'" if "\\" in word or '"' in word else f'"{word}"'
    escaped = (
        word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f'"{escaped}"'
