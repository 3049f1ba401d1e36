"""The card of an exported model: what it is, what it was learnt from, how good it is and where it ends, for people and hubs."""

from typing import Any

SPDX = {"apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc0-1.0"}


def render(content: dict[str, Any]) -> str:
    """The card as Markdown, with the header that model hubs read.

    Args:
        content: that of `model.json`, without its files.
    """
    return (
        "\n\n".join(
            [
                _header(content),
                f"# {content['name']}",
                _what(content),
                _metrics(content),
                _data(content),
                _limits(content),
                _use(content),
            ]
        )
        + "\n"
    )


def _header(content: dict[str, Any]) -> str:
    licence = str(content["licence"]).lower()
    target = content["data"]["target"]
    lines = ["---", "library_name: keras", "pipeline_tag: image-classification"]
    lines += [
        f"license: {licence}" if licence in SPDX else f"license: other\nlicense_name: {_quoted(content['licence'])}"
    ]
    lines += ["tags:", "- medical", "- indomain", "datasets:", f"- {_quoted(target['set'])}"]
    return "\n".join([*lines, *(f"- {_quoted(source['set'])}" for source in content["data"]["sources"]), "---"])


def _quoted(text: str) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _what(content: dict[str, Any]) -> str:
    run, given = content["run"], content["input"]
    rows, columns, channels = given["shape"]
    networks = ", ".join(entry["backbone"]["name"] for entry in content["networks"])
    kind = (
        f"A classifier ({run['method']}) on features of {networks}"
        if content["classifier"]
        else f"A network, {networks}"
    )
    one = f" one of {run['trainings']} trainings of the same row (fold {run['fold']}, seed {run['seed']})"
    return (
        f"{kind}, from the recipe *{content['title']}* (`{run['recipe']}`; target {run['target']}, chain {run['chain']}, "
        f"backbone {run['backbone']}, {run['method']}, {run['budget']}):{one}.\n\n"
        f"* Classes: {', '.join(content['classes'])}"
        + (f"; positive: {content['positive']}" if content["positive"] else "")
        + ".\n"
        f"* Images: {rows} × {columns}, {'grey' if channels == 1 else 'RGB'}, 0–255; fitted by `{given['fit']}`, contrast "
        f"{given['contrast']}. What the network does to values is inside of it.\n"
        f"* Licence of the model: {content['licence']}. Written by indomain {content['indomain']} on {content['created']}."
    )


def _metrics(content: dict[str, Any]) -> str:
    lines = ["## How good"]
    if not content["metrics"]:
        return f"{lines[0]}\n\nNot measured: the recipe had no table when the model was exported."
    lines += [
        "",
        "Of the whole procedure, on images of patients that it has not learnt from; this file is one training of it.",
        "",
    ]
    lines += [
        "| unit | metric | mean | 95 % interval | trainings | images | patients | against |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in content["metrics"]:
        interval = "" if row["ci_low"] is None else f"{row['ci_low']:.3f} – {row['ci_high']:.3f}"
        against = ""
        if row["compared_with"] and row["difference"] is not None:
            against = f"{row['verdict'] or ''} {row['difference']:+.3f} than {row['compared_with']}".strip()
        mean = "" if row["mean"] is None else f"{row['mean']:.3f}"
        numbers = [
            str(int(row[name])) if row[name] is not None else "" for name in ("n_runs", "n_images", "n_patients")
        ]
        lines.append(f"| {row['level']} | {row['metric']} | {mean} | {interval} | {' | '.join(numbers)} | {against} |")
    return "\n".join(lines)


def _data(content: dict[str, Any]) -> str:
    data = content["data"]
    target = data["target"]
    people = f" of {target['patients']} patients" if target["patients"] else "; patients are not known"
    shares = ", ".join(f"{name} {count}" for name, count in target["classes"].items())
    lines = [
        "## What it has learnt from",
        "",
        f"* {target['title']} ({target['set']}): {target['images']} images{people} ({shares}). Licence of the images: "
        f"{target['licence']}." + (f" {target['citation']}." if target["citation"] else ""),
        *(f"* Before it, {source['title']} ({source['set']}). {source['citation']}" for source in data["sources"]),
        *(f"* It began as {title}." for title in data["beginnings"]),
        f"* `seen.npz` has digests and perceptual hashes of {data['learnt_from']} images, so that whoever tests it can find "
        "images that it has learnt from. No picture can be made from them; whoever has a picture can tell whether it is among "
        "them.",
    ]
    return "\n".join(lines)


def _limits(content: dict[str, Any]) -> str:
    target = content["data"]["target"]
    lines = ["## Limits", "", "* For research. Not a medical device."]
    lines += ["* **Learnt from synthetic images: it says nothing about patients.**"] if target["synthetic"] else []
    lines += ["* Learnt from a reduced copy of its set."] if target["stand_in"] else []
    lines += ["* Not tested at another hospital, unless the table above says so."]
    lines += [
        "* `indomain predict` says which images are unlike those that it has learnt from, by its own features: of images like "
        "them one in a hundred. That an image is not unlike them is no proof that the model knows it."
    ]
    if content["temperature"] is None:
        lines += ["* Its scores are not calibrated, and there were no validation images to calibrate them on."]
    else:
        lines += [
            f"* Scores are as learnt; `--calibrated` divides their logarithms by {content['temperature']:g}, fitted on "
            "validation images."
        ]
    return "\n".join(lines)


def _use(content: dict[str, Any]) -> str:
    name = content["name"]
    return (
        "## Use\n\n```\nindomain models import FOLDER_OR_ZIP\n"
        f'indomain predict {name} path/to/images\n```\n\nIn a recipe, as a beginning: `chains.shared = ["model:{name}"]`.'
    )
