"""The table for LaTeX: whole, escaped, and read by TeX where there is one."""

import re
import shutil
import subprocess
from dataclasses import replace

import made_evidence as made
import pytest

from overfitlab.report.latex import escaped, latex_table
from overfitlab.words.languages import CODES, language_named

pytestmark = pytest.mark.slow

HOSTILE = [
    r"\input{/etc/passwd}", r"a&b%c_d#e$f{g}h^i~j\\k", "50% \\end{tabular}", "x\ny\r\tz", "bell\x07\x1b[31m\u202e",
    "--- -- '' `` \"q\" <i> |p|", "%", "\\", "}{", "\ud800",
]  # fmt: skip
DOCUMENT = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"
CASES = {
    "fixed": {}, "rounds": {"seeds": 12, "until": 12}, "diverged": {"diverged": {("l2:rate=0.001", 3)}},
    "unfinished": {"missing": {("l2:rate=0.001", 3)}}, "one method": {"pairs": ()},
}  # fmt: skip


def without_escapes(text):
    return re.sub(r"\\[\\{}$&#_%]", "", text)


def check(text):
    """Check that braces, dollars and columns go together."""
    body = "\n".join(line for line in without_escapes(text).splitlines() if not line.startswith("%"))
    depth = 0
    for sign in body:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert body.count("$") % 2 == 0
    assert "%" not in body
    assert "#" not in body
    assert re.findall(r"\\begin{(\w+)}", body) == ["table", "tabular", "minipage"]
    assert re.findall(r"\\end{(\w+)}", body) == ["tabular", "minipage", "table"]
    [columns] = re.findall(r"\\begin{tabular}{@{}([lr]+)@{}}", text)
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    for row in rows:
        spans = [int(span) for span in re.findall(r"\\multicolumn{(\d+)}", row)]
        cells = without_escapes(row).count("&") + 1
        assert cells - len(spans) + sum(spans) == len(columns), row
    return rows


def with_labels(found, one, other):
    return replace(
        found, study=other, contrasts=tuple(replace(each, label=one, against_label=other) for each in found.contrasts)
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("code", CODES)
def test_it_is_whole(case, code):
    found = made.evidence(**CASES[case])
    rows = check(latex_table(found, language_named(code)))
    assert len(rows) == 1 + (3 * len(found.contrasts) or 2)


def test_it_says_what_the_verdict_says():
    found = made.evidence()
    text = latex_table(found)
    first = found.contrasts[0]
    assert f"dropout $-$ none, $n = {first.metric.n}$" in text
    assert f"${first.metric.mean:+.2f}$ & [${first.metric.low:+.2f}$, ${first.metric.high:+.2f}$]" in text
    assert "helps" in text
    assert r"Intervals are 95 \% Student's t intervals" in text
    rounds = made.evidence(seeds=12, until=12)
    assert f"helps ({rounds.contrasts[0].metric.decided_at})" in latex_table(rounds)
    assert "always-valid" in latex_table(rounds)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    text = latex_table(with_labels(made.evidence(), name, name))
    check(text)
    assert "\\input" not in text
    assert "\\end{tabular}" not in text.partition(r"\bottomrule")[0]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", text)


def test_escaping():
    assert escaped("batch_norm:momentum=0.9") == r"batch\_norm:momentum=0.9"
    assert escaped("5 % & #1 {x}") == r"5 \% \& \#1 \{x\}"
    assert escaped(" two\n lines ") == "two lines"
    assert escaped("a---b--c") == "a-{}-{}-b-{}-c"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdfLaTeX")
@pytest.mark.parametrize("name", ["dropout", *HOSTILE])
def test_latex_reads_it(name, tmp_path):
    (tmp_path / "page.tex").write_text(DOCUMENT % latex_table(with_labels(made.evidence(), name, "none")), "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "LaTeX Error" not in done.stdout
