"""Reports by what they are made from: the evidence of a study, or a verdict on runs of others."""

from overfitlab.interop.evidence import Document, JudgedEvidence
from overfitlab.report import content
from overfitlab.report.blocks import Section
from overfitlab.report.judged_content import judged_sections
from overfitlab.report.judged_text import judged_subtitle, judged_title
from overfitlab.words.language import Language


def title(evidence: Document, say: Language) -> str:
    """Return the title of a report."""
    return judged_title(evidence, say) if isinstance(evidence, JudgedEvidence) else content.title(evidence, say)


def subtitle(evidence: Document, say: Language) -> str:
    """Return what it is about, in a line."""
    return judged_subtitle(evidence, say) if isinstance(evidence, JudgedEvidence) else content.subtitle(evidence, say)


def sections(evidence: Document, say: Language) -> list[Section]:
    """Return its sections."""
    return judged_sections(evidence, say) if isinstance(evidence, JudgedEvidence) else content.sections(evidence, say)
