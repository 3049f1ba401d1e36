"""The page in a browser: every part is there and drawn, on a desk, on a phone and on paper, and its tables sort."""

import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from tests.conftest import TINY
from tests.whole.in_folder import run_in

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    not BROWSER and not os.environ.get("INDOMAIN_REQUIRE_BROWSER"), reason="no Chromium on this machine"
)
PARTS = ["claim", "beware", "reported", "chains", "figures", "ours", "explanations", "differs", "data", "cost"]


@pytest.fixture(scope="module")
def page(finished, tmp_path_factory, cache_dir):
    """The page of a small recipe that has every part."""
    here = tmp_path_factory.mktemp("page")
    shutil.copytree(finished, here, dirs_exist_ok=True)
    number = 'task = "wrist"\nmetric = "auroc"\nmark = "{}"\nsource = "A paper"\n'
    (here / "numbers.toml").write_text("[a]\nvalue = 0.9\n" + number.format("V") + "[b]\n" + number.format("not found"))
    title = 'title = "Tiny"\nclaim = "It helps."\ndiffers = ["All of it."]\npaper = "A paper"'
    text = TINY.replace('title = "Tiny"', title)
    text += 'registry = "numbers.toml"\nmetrics = ["auroc", "accuracy"]\n[report.beside]\na = { chain = "in-domain" }\n'
    (here / "tiny.toml").write_text(text)
    assert run_in(here, cache_dir, "run", "tiny.toml")[0] == 0
    return here / "runs/tiny/report.html"


def browse(path, *options):
    """Runs the browser on a page without a network; returns what it prints."""
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=3000",
    ]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", *options, path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def asked(page, script, width=1200):
    """What a script finds on the page, as JSON."""
    probe = page.with_name("probe.html")
    end = f'<pre id="found"></pre><script>document.getElementById("found").textContent = JSON.stringify({script});</script>'
    probe.write_text(page.read_text(encoding="utf-8") + end, encoding="utf-8")
    found = re.search(r'<pre id="found">(.*?)</pre>', browse(probe, f"--window-size={width},900", "--dump-dom"), re.S)
    return json.loads(found.group(1).replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))


BOXES = (
    "[document.documentElement.scrollHeight, Object.fromEntries([...document.querySelectorAll('body > [id]')].map("
    "part => [part.id, ['left', 'top', 'right', 'bottom'].map(side => part.getBoundingClientRect()[side])]))]"
)


@pytest.mark.parametrize("width", [1200, 500])
def test_every_part_is_drawn(page, tmp_path, width):
    height, boxes = asked(page, BOXES, width=width)
    # The whole page in one window, so that no part is below its edge.
    browse(page, f"--window-size={width},{height}", f"--screenshot={tmp_path / 'page.png'}")
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("L"), float)
    assert pixels.shape == (height, width) and set(PARTS) <= set(boxes)
    for part in PARTS:
        left, top, right, bottom = (int(side) for side in boxes[part])
        drawn = pixels[top:bottom, left:right]
        assert (drawn < 200).sum() > 300, f"{part} is blank at {width} pixels"


def test_nothing_is_wider_than_a_phone(page):
    # Chromium's window is no narrower than 500 pixels; wide tables scroll in their own frame.
    found = asked(page, "[document.documentElement.scrollWidth, innerWidth]", width=500)
    assert found[0] <= found[1]


def test_tables_sort_and_can_be_copied(page):
    column = (
        "(() => { const head = [...document.querySelectorAll('#table th')].find(h => h.textContent.trim() === 'mean');"
        "const values = () => [...document.querySelectorAll('#table tbody tr')].map(r => r.cells[head.cellIndex].textContent);"
        "head.click(); const up = values(); head.click(); const down = values();"
        "return [up, down, head.getAttribute('aria-sort'), document.querySelectorAll('table').length,"
        "document.querySelectorAll('button.copy').length]; })()"
    )
    up, down, said, tables, buttons = asked(page, column)
    numbers = [float(value) for value in up]
    assert numbers == sorted(numbers) and [float(value) for value in down] == numbers[::-1] and said == "descending"
    assert tables == buttons > 4


def test_it_prints(page, tmp_path):
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF") and (tmp_path / "page.pdf").stat().st_size > 20_000


def test_it_needs_no_network(page):
    assert not re.search(r"(src|href)\s*=\s*.?(http|//)|url\(\s*.?http|@import", page.read_text(encoding="utf-8"))
