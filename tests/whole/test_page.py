"""The page in a browser: every part is there and drawn, on a desk, on a phone and on paper, and its tables sort."""

import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    not BROWSER and not os.environ.get("INDOMAIN_REQUIRE_BROWSER"), reason="no Chromium on this machine"
)
PARTS = ["claim", "beware", "reported", "chains", "figures", "ours", "explanations", "differs", "data", "cost"]


@pytest.fixture(scope="module")
def page(tmp_path_factory, cache_dir):
    """The page of a small recipe that has every part."""
    from conftest import SMALL_MANIFEST, TINY

    from indomain.commands.cli import main

    here = tmp_path_factory.mktemp("page")
    (here / "small.toml").write_text(SMALL_MANIFEST)
    number = 'task = "wrist"\nmetric = "auroc"\nmark = "{}"\nsource = "A paper"\n'
    (here / "numbers.toml").write_text("[a]\nvalue = 0.9\n" + number.format("V") + "[b]\n" + number.format("not found"))
    text = TINY.replace(
        'title = "Tiny"', 'title = "Tiny"\nclaim = "It helps."\ndiffers = ["All of it."]\npaper = "A paper"'
    )
    text = text.replace("validation = 0.25 }", "validation = 0.25 }\nfractions = [0.5, 1.0]")
    text += 'registry = "numbers.toml"\nmetrics = ["auroc", "accuracy"]\n[report.beside]\na = { chain = "in-domain" }\n'
    (here / "tiny.toml").write_text(text)
    command = ["run", str(here / "tiny.toml"), "--runs-dir", str(here / "runs"), "--cache-dir", str(cache_dir)]
    assert main([*command, "--set", "seeds=[0]", "--set", "finetune.epochs=1"]) == 0
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


@pytest.mark.parametrize("width", [1200, 500])
def test_every_part_is_drawn(page, tmp_path, width):
    text = page.read_text(encoding="utf-8")
    for part in PARTS:
        alone = tmp_path / f"{part}.html"
        # All but one part are hidden, so that a picture shows that part and nothing else.
        style = f"<style>body > *:not(#{part}) {{ display: none !important }}</style>"
        alone.write_text(text + style, encoding="utf-8")
        shot = tmp_path / f"{part}.png"
        browse(alone, f"--window-size={width},700", f"--screenshot={shot}")
        pixels = np.asarray(Image.open(shot).convert("L"), float)
        assert pixels.shape == (700, width) and (pixels < 200).mean() > 0.0005, f"{part} is blank at {width} pixels"


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
