"""Studies and runs as notebooks show them: the value of a cell displays itself."""

from overfitlab.notebook.html import card, figures, paragraph, table
from overfitlab.report.overlay_figure import validation_loss
from overfitlab.report.run_figure import run_panels
from overfitlab.report.run_text import run_oddities, run_summary, run_title
from overfitlab.report.study_sentences import headline
from overfitlab.report.words_first import verdict_table
from overfitlab.runs.run import Run
from overfitlab.study.study import Study
from overfitlab.words.language import ENGLISH, Language


def run_html(run: Run, say: Language = ENGLISH) -> str:
    """Return a run: what was trained, what its curves say, and the curves."""
    parts = [paragraph(run_title(run, say), strong=True)]
    if run.rows:
        said = [run_summary(run, say), *run_oddities(run, say)]
        parts += [*map(paragraph, said), figures(run_panels(run.rows, say))]
    else:
        parts.append(paragraph(say("No epoch has finished yet.")))
    end = run.record.measured.end
    if end is not None and end.test is not None:
        parts.append(paragraph(say("Test accuracy: {accuracy} %, on {images:,} images.",
                                   accuracy=f"{100 * end.test.acc:.1f}", images=end.test.images)))  # fmt: skip
    return card(*parts)


def study_html(study: Study, say: Language = ENGLISH) -> str:
    """Return a study: the answer, the table of contrasts, and the validation loss of all methods."""
    if not study.outcomes:
        return card(paragraph(say("No run of this study has finished yet, so there is nothing to compare.")))
    verdict = study.judged()
    parts = [paragraph(headline(verdict, say), strong=True)]
    parts += [table(verdict_table(verdict, say))] if verdict.contrasts else []
    return card(*parts, figures(validation_loss(study.evidence(), say)))
