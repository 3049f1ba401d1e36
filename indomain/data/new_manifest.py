"""`indomain data new FOLDER`: a manifest for a user's own images, written by looking at them, with what was assumed."""

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
# Parts of file names that name a patient, the first that fits all names: what it is, and the pattern for it.
_PATIENT_PATTERNS = (
    ("a word with a number first: patient12_..., P_49_...", r"{patient:[A-Za-z]+[-_ ]?\d+}{view:[-_ ].*}"),
    ("the name up to a last short number: ..._0, ..._1", r"{patient:.+}{view:[-_]\d{1,3}}"),
)


def write(folder: Path, output: Path | None = None) -> Path:
    """Writes a manifest for a folder of images, or for one `.npz` file, and prints what was assumed.

    Args:
        folder: class folders, perhaps below train/val/test; pictures without classes; or an archive in MedMNIST's layout.
        output: the manifest to write; an existing file is not overwritten.

    Raises:
        RequestError: there is nothing to read, or the output exists.
    """
    if not folder.exists():
        raise RequestError(f"no folder {folder}.")
    name = re.sub(r"[^a-z0-9_]+", "_", folder.stem.lower()).strip("_") or "mine"
    output = output or Path(f"{name}.toml")
    if output.exists():
        raise RequestError(f"{output} is there already; name another file with --output, or remove it.")
    found, assumed = _look_at_archive(folder) if folder.suffix == ".npz" else _look_at_folder(folder)
    write_text(output, _as_toml(name, folder, found, assumed))
    print(f"{output} written. Assumed, to be checked:")
    for sentence in assumed:
        print(f"  - {sentence}")
    print(f"Next: indomain data check {output}")
    return output


def _look_at_archive(path: Path) -> tuple[dict[str, Any], list[str]]:
    read = {"reader": "npz", "file": str(path.resolve()), "outside": True}
    manifest = Manifest.model_validate({"name": "new", "title": "new", "read": read})
    records = read_npz(manifest, Path(), (64, 64))
    names = sorted({record.label for record in records} - {""})
    grouped = any(record.patient for record in records)
    assumed = [f"Classes: {', '.join(names) or 'none'}.", "Patients: " + ("`groups`." if grouped else "none named.")]
    positive = _positive(names, assumed)
    return {"read": read, "classes": names, "positive": positive}, assumed


def _look_at_folder(folder: Path) -> tuple[dict[str, Any], list[str]]:
    suffixes = FolderReader(reader="folder").suffixes
    paths = [path for path in list_files(folder) if path.suffix.lower() in suffixes]
    if not paths:
        raise RequestError(f"no picture below {folder} (looked for {', '.join(suffixes)}).")
    parts = [path.relative_to(folder).parts for path in paths]
    assumed = [
        f"{len(paths)} pictures: {', '.join(f'{n} {suffix}' for suffix, n in Counter(p.suffix for p in paths).items())}."
    ]
    read: dict[str, Any] = {"reader": "folder", "root": str(folder.resolve()), "outside": True}
    top = sorted({place[0] for place in parts if len(place) > 1})
    has_splits = bool(top) and all(name.lower() in SPLIT_WORDS for name in top)
    depth = 1 if has_splits else 0
    if any(len(place) <= depth + 1 for place in parts):
        read["labelled"] = False
        assumed.append(
            "No class folders: the pictures have no labels, and can only be a source of an objective without any."
        )
        return {"read": read, "classes": [], "positive": ""}, assumed
    if has_splits:
        assumed.append(f"Official splits: {', '.join(top)}.")
    classes = sorted({place[depth] for place in parts})
    counts = Counter(place[depth] for place in parts)
    assumed.append("Classes: " + ", ".join(f"{name} ({counts[name]})" for name in classes) + ".")
    prefix = "{split}/{label}/" if has_splits else "{label}/"
    _find_patients(read, parts, depth, prefix, assumed)
    grey = [path for path in paths[:: max(1, len(paths) // 50)] if _is_grey(path)]
    assumed.append(f"Colour: {'grey' if grey else 'RGB'} by a look at some; every file is looked at when preparing.")
    return {"read": read, "classes": classes, "positive": _positive(classes, assumed)}, assumed


def _find_patients(
    read: dict[str, Any], parts: list[tuple[str, ...]], depth: int, prefix: str, assumed: list[str]
) -> None:
    """Adds a pattern to `read` if folders or file names look as if they named patients."""
    if all(len(place) == depth + 3 for place in parts):
        if _look_like_patients([(place[depth], place[depth + 1]) for place in parts]):
            read["pattern"] = prefix + "{patient}/*"
            assumed.append("The folders inside the classes are patients.")
        else:
            assumed.append(
                "The folders inside the classes are too few or too large to be patients: all their pictures are used."
            )
        return
    if all(len(place) == depth + 2 for place in parts):
        stems = [Path(place[-1]).stem for place in parts]
        for words, pattern in _PATIENT_PATTERNS:
            matches = [pattern_regex(pattern).fullmatch(stem) for stem in stems]
            pairs = [(place[depth], match["patient"]) for place, match in zip(parts, matches) if match]
            if all(matches) and _look_like_patients(pairs):
                patients = {patient for _, patient in pairs}
                read["pattern"] = f"{prefix}{pattern}.*"
                assumed.append(f"Patients: {len(patients)}, by the file names ({words}). Wrong? Remove `pattern`.")
                return
    assumed.append(
        "No patients are named: every picture counts as its own. If patients have several, splits leak: add a pattern."
    )


def _look_like_patients(pairs: list[tuple[str, str]]) -> bool:
    """Whether the second words of (class, word) may be patients.

    A word that a fifth of a class shares is none (images, masks, 40X, IMG); neither are words that never repeat.
    """
    sizes, classes = Counter(pairs), Counter(name for name, _ in pairs)
    small = all(number <= max(2, classes[name] / 5) for (name, _), number in sizes.items())
    return small and 2 <= len({word for _, word in pairs}) < len(pairs)


def _positive(classes: list[str], assumed: list[str]) -> str:
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


def _as_toml(name: str, folder: Path, found: dict[str, Any], assumed: list[str]) -> str:
    lines = [f"# Written by `indomain data new` from a look at {folder}. Assumed:"]
    lines += [f"#   {sentence}" for sentence in assumed]
    lines += [f"name = {_quoted(name)}", f"title = {_quoted(folder.stem)}", 'licence = "not stated"', "", "[read]"]
    for key, value in found["read"].items():
        lines.append(f"{key} = {str(value).lower() if isinstance(value, bool) else _quoted(value)}")
    lines += ["", "[images]", 'fit = "pad"  # or "crop", "stretch"']
    if found["classes"]:
        lines += ["", "[labels]", '# Several labels may be merged into one class: other = ["a", "b"]']
        classes = ", ".join(f"{_quoted(label)} = [{_quoted(label)}]" for label in found["classes"])
        lines.append(f"classes = {{ {classes} }}")
        if found["positive"]:
            lines.append(f"positive = {_quoted(found['positive'])}")
    return "\n".join([*lines, ""])


def _quoted(text: object) -> str:
    """A TOML string: literal where it can be, so that patterns stay readable."""
    word = str(text)
    if "'" not in word and not any(ord(letter) < 32 for letter in word):
        return f"'{word}'" if "\\" in word or '"' in word else f'"{word}"'
    escaped = (
        word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f'"{escaped}"'
