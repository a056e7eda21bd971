"""The language somebody asks to be written in."""

from collections.abc import Sequence

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.knowledge import language_names, shared

_BEFORE = 3  # "niet in het Nederlands", "liever dan het Frans": so near stands what turns a name away


def wanted_language(evidence: Evidence) -> str | None:
    """The one asked for where a mail speaks of the language of our mails; None where it is not plain which is meant.

    Of two that are offered ("French, or English if you must") the first counts.
    """
    sentences = [evidence.sentences[at].words for at in sorted(evidence.where("language"))]
    words = [word for sentence in sentences for word in sentence]
    named = _named(words)
    if len({name for _, name in named}) > 1 and not _offers(words, named):
        return None
    return named[0][1] if named else None


def _named(words: Sequence[str]) -> list[tuple[int, str]]:
    """Where which language is named, without those that are named to be turned away."""
    refused = shared("sentences", "refused")
    return [
        (at, name)
        for at, word in enumerate(words)
        for name, starts in language_names().items()
        if word.startswith(starts) and not refused & set(words[max(0, at - _BEFORE) : at])
    ]


def _offers(words: Sequence[str], named: Sequence[tuple[int, str]]) -> bool:
    """Whether the second language stands after an "or"."""
    first = named[0]
    second = next(one for one in named if one[1] != first[1])
    return bool(shared("sentences", "alternatives") & set(words[first[0] : second[0]]))
