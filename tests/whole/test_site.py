"""What a stranger sees before the code: the site, the notebook in it, and the files that machines read."""

import configparser
import json
import re
import subprocess
import sys

import yaml

from benchmarks import pages
from tests.whole.test_pages import PAGES

SETUP = configparser.ConfigParser()
SETUP.read(pages.ROOT / "setup.cfg")


def listed(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def test_the_site_is_built_without_a_warning_and_its_notebook_runs(tmp_path):
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "--fail-on-warning",
        "--keep-going",
        "-c",
        "docs",
        ".",
        tmp_path / "site",
    ]
    built = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    page = (tmp_path / "site/docs/from_a_folder_to_a_page.html").read_text()
    # What its last cells print: the table, and the scores of new images.
    assert "ci_low" in page and re.search(r"<img[^>]*_images/\w+\.png", page)
    assert re.search(r"score_abnormal|abnormal,", page)
    assert ">synthetic<" in page and ">real<" not in page


def test_the_notebook_is_kept_without_outputs():
    notebook = json.loads((pages.ROOT / "docs/from_a_folder_to_a_page.ipynb").read_text())
    assert not any(cell.get("outputs") for cell in notebook["cells"])


def test_every_page_is_in_the_site():
    contents = re.findall(r"^(?:\.\./)?[\w/-]+$", (pages.ROOT / "docs/index.md").read_text(), re.MULTILINE)
    names = {name.rpartition("/")[2] for name in contents}
    assert {page.stem for page in PAGES if page.parent.name == "docs"} - {"index"} <= names


def test_codemeta_and_the_citation_say_what_the_package_says():
    codemeta = json.loads((pages.ROOT / "codemeta.json").read_text())
    citation = yaml.safe_load((pages.ROOT / "CITATION.cff").read_text())
    assert codemeta["description"] == SETUP["metadata"]["description"]
    assert codemeta["softwareRequirements"] == listed(SETUP["options"]["install_requires"])
    assert codemeta["version"] == citation["version"] == __import__("indomain").__version__
    assert citation["license"] == SETUP["metadata"]["license"] and codemeta["license"].endswith(citation["license"])
    assert [one["name"] for one in codemeta["referencePublication"]] == [one["title"] for one in citation["references"]]


def test_the_citation_names_every_paper_with_recipes_of_its_own():
    notes = " ".join(one["notes"] for one in yaml.safe_load((pages.ROOT / "CITATION.cff").read_text())["references"])
    folders = {path.parent.name for path in pages.ROOT.glob("recipes/*/*.toml")} - {"mini"}
    assert len(folders) > 5 and all(name in notes for name in folders)


def test_the_dockerfile_installs_extras_that_exist():
    text = (pages.ROOT / "Dockerfile").read_text()
    extras = re.search(r'pip install --no-cache-dir "\.\[(.*?)\]"', text)[1].split(",")
    assert set(extras) <= set(SETUP["options.extras_require"])
