"""The pages in a real Chromium: a study from the form to its verdict, and all that a reader can do on the way."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from half_done import half_done
from playwright.sync_api import sync_playwright

from overfitlab.records.study_folder import StudyFolder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
PATIENCE = 120.0  # seconds: another training may have the machine


class Site:
    """A server with its folder of runs, and a browser that notes whom it asks for something."""

    def __init__(self, folder: Path):
        self.folder, self.process, self.port, self.address = folder, None, 0, ""
        self.asked: set[str] = set()
        self.troubles: list[str] = []

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        environment = {**os.environ, "HOME": str(self.folder), "OVERFITLAB_CACHE": str(self.folder / "cache"),
                       "OVERFITLAB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}  # fmt: skip
        environment.pop("OVERFITLAB_DATA", None)
        environment.pop("OVERFITLAB_LANG", None)
        command = [sys.executable, "-m", "overfitlab", "ui", "--no-browser", "--port", str(self.port)]
        if self.process is not None:
            self.process.stdout.close()
        self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.address = re.search(r"http://\S+", line)[0]
        self.port = int(re.search(r":(\d+)/", self.address)[1])

    def end(self, number=signal.SIGINT):
        """End the server, and return its exit code; a stream that kept it would keep it for good."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def page(self, browser, path="/", **options):
        """Return a page of a reader of its own who was let in."""
        context = browser.new_context(**options)
        page = context.new_page()
        context.on("request", lambda request: self.asked.add(request.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda said: self.troubles.append(said.text) if said.type == "error" else None)
        page.goto(self.address)
        assert page.url == f"{self.base}/", "the token has left the address"
        page.goto(self.base + path)
        return page


@pytest.fixture(scope="module")
def site(small_study):
    """The server, with a finished study and one that was interrupted."""
    with tempfile.TemporaryDirectory(prefix="overfitlab-ui-") as folder:
        found = Site(Path(folder))
        shutil.copytree(small_study, found.folder / "runs" / "small")
        shutil.copytree(small_study, found.folder / "runs" / "half")
        half_done(found.folder / "runs" / "half")
        found.start()
        yield found
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            found.end(signal.SIGKILL)
        found.process.stdout.close()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def until(page, expression, seconds=PATIENCE):
    """Wait for an expression to hold; Playwright's own waiting evaluates texts, which the page's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(100)


def points(page):
    """Return how many points the lines of all panels have."""
    drawn = page.locator("#curves svg path[data-key]").evaluate_all("found => found.map(one => one.getAttribute('d'))")
    return sum(each.count("L") + 1 for each in drawn)


def press(page, text):
    """Press a button, and wait for the page that it leads to: the stream of the one before may say the same sooner."""
    with page.expect_navigation():
        page.click(f"button:has-text('{text}')")


def test_a_study_from_the_form_to_its_verdict(site, browser):
    page = site.page(browser, "/new")
    page.set_default_timeout(1000 * PATIENCE)
    for name, text in (("seeds", "3"), ("epochs", "60"), ("name", "mine")):
        page.fill(f"[name={name}]", text)
    page.uncheck("[name=method][value=batch_norm]")
    until(page, "document.getElementById('outlook').innerText.includes('6 runs')")
    assert "About " in page.inner_text("#outlook")
    press(page, "Start")
    assert page.url == f"{site.base}/study/mine"
    page.wait_for_selector("#state .training li")
    until(page, "document.querySelectorAll('#curves svg path[data-key]').length > 0")
    before = points(page)
    while points(page) <= before:
        page.wait_for_timeout(100)
    single = site.page(browser, page.locator("#state .training a").first.get_attribute("href"))
    epoch = "Number(document.querySelector('#top progress')?.value ?? 999)"
    known = single.evaluate(epoch)
    until(single, f"{epoch} > {known}")
    assert single.locator("#curves svg").count() == 2
    single.context.close()
    assert "Not all runs have ended" in page.inner_text("#answer")
    press(page, "Stop")
    page.wait_for_selector("button:has-text('Resume')")
    trained = page.inner_text("#state .progress")
    page.reload()
    assert page.inner_text("#state .progress") == trained
    press(page, "Resume")
    page.wait_for_selector("#state .tag.finished")
    until(page, "document.getElementById('answer').innerText.includes('Compared with none')")
    page.wait_for_selector("#confusion")
    press(page, "한국어")
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert "완료" in page.inner_text("#state")
    assert page.url.startswith(f"{site.base}/study/mine")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/study/small", "/study/half", "RUN", "/new", "/nothing"])
def test_axe_finds_nothing(site, browser, path, scheme):
    page = site.page(browser, address(site, path), color_scheme=scheme)
    found = Axe().run(page)
    said = [f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for one in found.response["violations"] for node in one["nodes"]]  # fmt: skip
    page.context.close()
    assert said == []
    site.troubles.clear()  # a page that is not there is an error in the console


def address(site, path):
    run = next((site.folder / "runs" / "small" / "runs").iterdir()).name
    return f"/study/small/run/{run}" if path == "RUN" else path


@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_nothing_is_wider_than_the_window(site, browser, width):
    for path in ("/", "/study/small", "/study/half", "RUN", "/new"):
        page = site.page(browser, address(site, path), viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.context.close()


def test_toggles_are_kept_in_the_address(site, browser):
    page = site.page(browser, "/study/small")
    assert page.locator("#curves svg").count() == 6
    page.uncheck("#view [name=metric][value=acc]")
    until(page, "document.querySelectorAll('#curves svg').length === 3")
    page.uncheck("#view [name=method] >> nth=0")
    until(page, "document.querySelectorAll('#curves svg').length === 2")
    page.check("#view [name=log]")
    page.check("#view [name=single]")
    page.fill("#view [name=smoothing]", "0.5")
    until(page, "document.getElementById('curves').innerHTML.includes('smoothed, weight 0.5')")
    page.reload()
    assert page.locator("#curves svg").count() == 2
    assert page.is_checked("#view [name=log]")
    page.context.close()


def test_values_are_read_with_pointer_and_keys(site, browser):
    page = site.page(browser, "/study/small")
    panel = page.locator("#curves .panel").first
    panel.hover()
    assert re.fullmatch(r"epoch \d: training [\d.]+, validation [\d.]+", panel.locator(".read").inner_text())
    page.mouse.move(0, 0)
    panel.focus()
    page.keyboard.press("Home")
    first = panel.locator(".read").inner_text()
    page.keyboard.press("ArrowRight")
    assert (first[:8], panel.locator(".read").inner_text()[:8]) == ("epoch 1:", "epoch 2:")
    assert panel.locator("circle.pointer-dot").count() == 2
    page.context.close()


def test_the_first_tab_skips_to_the_content(site, browser):
    page = site.page(browser, "/study/small")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.context.close()


def test_a_dot_leads_to_its_run(site, browser):
    page = site.page(browser, "/study/small")
    dot = page.locator("#differences [data-reference]").first
    leads = dot.get_attribute("data-reference")
    dot.dispatch_event("click")
    page.wait_for_url(f"**{leads}")
    assert page.locator("tr.differs").count() > 0, "it stands beside the one that it was compared with"
    page.context.close()


def one_epoch_more(site):
    """Let the run of the half study that is being trained end another epoch."""
    [live] = (site.folder / "runs" / "half").glob("runs/*/epochs.csv")
    lines = [line for line in live.read_text().splitlines() if line.count(",") == 7]
    last = lines[-1].split(",")
    lines.append(",".join([str(int(last[0]) + 1), *last[1:]]))
    live.write_text("\n".join(lines) + "\n")
    return int(last[0]) + 1


def epoch(page):
    return page.evaluate("document.getElementById('curves').innerHTML.match(/epoch (\\d+) done/)[1]")


def arrives(page, number):
    until(page, f"document.getElementById('curves').innerHTML.includes('epoch {number} done.')")


def hide(page, hidden):
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }", hidden,
    )  # fmt: skip


def test_eight_tabs_and_a_second_browser(site, browser):
    """A browser has six connections to a server: tabs that are hidden give theirs back."""
    first = site.page(browser, "/study/half")
    tabs = [first]
    for _ in range(7):
        hide(tabs[-1], hidden=True)
        tabs.append(first.context.new_page())
        tabs[-1].goto(f"{site.base}/study/half")
    other = site.page(browser, "/study/half")
    number = one_epoch_more(site)
    arrives(tabs[-1], number)
    arrives(other, number)
    assert int(epoch(first)) < number, "a hidden tab is told nothing"
    hide(tabs[-1], hidden=True)
    hide(first, hidden=False)
    arrives(first, number)
    first.context.close()
    other.context.close()


def test_a_server_that_is_killed_and_comes_again(site, browser):
    page = site.page(browser, "/study/half")
    number = one_epoch_more(site)
    arrives(page, number)
    site.end(signal.SIGKILL)
    until(page, "!document.getElementById('connection').hidden")
    assert "start it with overfitlab ui" in page.inner_text("#connection")
    number = one_epoch_more(site)
    site.start()
    arrives(page, number)
    until(page, "document.getElementById('connection').hidden")
    page.context.close()
    site.troubles.clear()  # a refused connection is an error in the console


def test_ctrl_c_ends_it_with_open_streams(site, browser):
    pages = [site.page(browser, path) for path in ("/study/half", "/", "/study/small")]
    for page in pages:
        page.wait_for_timeout(500)
    code = site.end()  # it fails where that takes longer than a patient person waits
    site.start()
    assert code == 0
    for page in pages:
        page.context.close()
    site.troubles.clear()


def test_names_of_classes_run_nothing(site, browser):
    study = StudyFolder(site.folder / "runs" / "small")
    record = study.record()
    names = [f"<script>window.hacked=1</script><img src=x onerror=window.hacked=1>{number}" for number in range(10)]
    study.write_record(msgspec.structs.replace(record, data=msgspec.structs.replace(record.data, classes=names)))
    page = site.page(browser, "/study/small")
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked=1</script>" in page.inner_text("#confusion")
    page.context.close()
    study.write_record(record)


def test_no_request_leaves_the_machine_and_no_script_failed(site, browser):
    """The last one: of all pages that the tests above have seen, here or in another process."""
    site.page(browser, "/").context.close()
    assert site.asked
    assert {url for url in site.asked if not url.startswith("http://127.0.0.1:")} == set()
    assert site.troubles == []
