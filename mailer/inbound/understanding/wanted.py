"""The language somebody asks to be written in."""

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.knowledge import language_names


def wanted_language(evidence: Evidence) -> str | None:
    """The one asked for in a sentence about the language of our mails: the last named, Dutch only where it is alone."""
    named: list[str] = []
    for at in sorted(evidence.where("language.strong")):
        for word in evidence.sentences[at].words:
            named.extend(name for name, starts in language_names().items() if word.startswith(starts))
    others = [name for name in named if name != "nl"]
    return others[0] if others else named[0] if named else None
