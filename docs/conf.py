"""The documentation site: this repository's Markdown pages and a notebook. `make docs` builds it; every warning is an error."""

import os
import sys
from pathlib import Path

# The notebook runs commands as a shell does in which the environment is active.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

project = "indomain"
author = "The indomain authors"
extensions = ["myst_nb"]
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "docs/*.ipynb",
    "results/README.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
html_theme = "alabaster"
html_theme_options = {
    "description": "In-domain pretraining for medical images",
    "page_width": "72rem",
    "sidebar_width": "15rem",
    "body_max_width": "none",
}
html_title = "indomain"
html_show_sourcelink = False
# The notebook is kept without outputs; they are what the code of this version gives.
nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 1200
# Headings are linked to as on the code's hosting site.
myst_heading_anchors = 3
# Files that are no pages, and folders, are linked to as they are.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]
