"""What the page says, as HTML: lights, sentences, links. Names from visitors are escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from luthier.analysis.checkup_findings import Finding, Light, worst
from luthier.data.check import CheckedFile, CheckReport
from luthier.evaluation.check_page import VERDICTS

MOST_ROWS = 100


def note(sentence: str, *, light: Light = Light.GREY) -> str:
    """One line in a box, coloured by a light; who hears the page instead of seeing it is told, of what is red at once."""
    role = "alert" if light == Light.RED else "status"
    return f'<p class="note {light.word}" role="{role}">{escape(" ".join(sentence.split()))}</p>'


def problem(error: Exception) -> str:
    """What a visitor can do something about."""
    return note(str(error), light=Light.RED)


def bullets(sentences: Iterable[str]) -> str:
    """Sentences below each other."""
    return f"<ul>{''.join(f'<li>{escape(sentence[:1].upper() + sentence[1:])}</li>' for sentence in sentences)}</ul>"


def link(address: str, text: str) -> str:
    """A link that opens a page of its own."""
    return f'<a href="{quote(address)}" target="_blank">{escape(text)}</a>'


def frame(address: str, title: str) -> str:
    """Another page inside this one, and a link that opens it alone."""
    return (
        f"<p>{link(address, 'Open this in a page of its own')}</p>"
        f'<iframe src="{quote(address)}" title="{escape(title)}"></iframe>'
    )


def check_summary(report: CheckReport) -> str:
    """A light and a sentence for the whole, for each of its aspects and for each recording, the worst first."""
    files = sorted(report.files, key=lambda file: -worst(file.findings))[:MOST_ROWS]
    unreadable = [(entry.path.name, Light.RED, entry.reason) for entry in report.unreadable]
    rows = unreadable + [(file.path.name, worst(file.findings), _advice(file)) for file in files]
    return (
        note(VERDICTS[report.verdict], light=report.verdict)
        + _table("All together", report.findings)
        + _table("Each recording, the worst first", rows)
    )


def _advice(file: CheckedFile) -> str:
    """The sentence that matters most."""
    return next(one.sentence for one in file.findings if one.light == worst(file.findings))


def _table(title: str, rows: Iterable[Finding | tuple[str, Light, str]]) -> str:
    cells = (
        f'<tr><td class="light {light.word}">{light.word}</td><th>{escape(name)}</th><td>{escape(sentence)}</td></tr>'
        for name, light, sentence in rows
    )
    return f"<h3>{escape(title)}</h3><table class='lights'>{''.join(cells)}</table>"
