"""What the page and the Markdown offer to those who write a paper."""

import base64
import re
from html import unescape

import made_evidence as made
import pytest

import overfitlab
from overfitlab.report.file_names import localized
from overfitlab.report.markdown import markdown
from overfitlab.report.page import page
from overfitlab.report.paper_files import CONTRASTS, LATEX, METHODS, file_of_text, paper_files
from overfitlab.words.languages import CODES, language_named

LINK = re.compile(r'<a href="data:([\w/-]+);charset=utf-8;base64,([\w+/=]*)" download="([\w.]+)">')


@pytest.mark.parametrize("code", CODES)
def test_the_page_holds_the_files_themselves(code):
    evidence, say = overfitlab.load_study(made.STORED).evidence(), language_named(code)
    files = {name: file_of_text(text) for name, text in paper_files(evidence, say).items()}
    contrasts, spoken = CONTRASTS, [LATEX, METHODS]
    assert tuple(files) == (contrasts, *(localized(name, code) for name in spoken))
    html = page(evidence, say=say)
    assert {name: base64.b64decode(content) for _, content, name in LINK.findall(html)} == files
    first = files[localized("methods.txt", code)].decode().partition("\n")[0]
    assert first in unescape(html)
    text = markdown(evidence, "figures", say)
    assert all(f"[{name}]({name})" in text for name in files)


def test_controls_are_written_out():
    assert file_of_text("a\x1b[31m\ud800\n") == b"a\\x1b[31m\\ud800\n"
