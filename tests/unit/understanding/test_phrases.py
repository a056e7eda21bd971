"""Patterns a coordinator can write, and the knowledge shipped with the house."""

import pytest

from mailer.inbound.understanding.lexicon import LANGUAGES, find_cues, lexicon
from mailer.inbound.understanding.phrases import compile_pattern, match
from mailer.inbound.understanding.places import Places, spots
from mailer.inbound.understanding.sentences import read_sentences

CLASSES = {"me": ["mij", "me"], "list": ["lijst", "mailinglijst"]}


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("zet <me> op <list>", "Zet mij op lijst", True),
        ("zet <me> op <list>", "Zet mij op de lijst", False),
        ("zet … <me> … op … <list>", "Zet dus alsjeblieft mij ook op jullie grote lijst", True),
        ("zet … <list>", "Zet een twee drie vier vijf zes zeven lijst", False),
        ("<list> + <me>", "Mij ontbreekt de lijst", True),
        ("inschrij*", "Ik wil INSCHRIJVEN", True),
        ("*lijst", "de adressenlijst", True),
        ("op # mei", "Ik kom op 12 mei", True),
        ("<me> ~ niet", "Mij niet", False),
        ("a|b_c d", "b c d", True),
        ("a|b_c d", "a d", True),
        ("a|b_c d", "b d", False),
        ("nee|neen? deze keer niet", "deze keer niet", True),
        ("nee|neen? deze keer niet", "neen deze keer niet", True),
        ("nee|neen? deze keer niet", "nee niet", False),
        ("een", "één", True),
        ("اضافه", "إضافة", True),
    ],
)
def test_patterns(pattern: str, text: str, fits: bool) -> None:
    (sentence,) = read_sentences(text)
    places = Places()
    patterns = compile_pattern(pattern, CLASSES, places)
    assert any(match(one, spots(places, sentence.words)) is not None for one in patterns) is fits


@pytest.mark.parametrize("pattern", ["<nobody>", "", "~ niet"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_pattern(pattern, CLASSES, Places())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_knows_the_same_topics(language: str) -> None:
    assert {topic.partition(".")[0] for topic in lexicon(language).topics} >= {
        topic.partition(".")[0] for topic in lexicon("nl").topics
    }


@pytest.mark.parametrize(
    ("text", "topic", "negated"),
    [
        ("Schrijf me uit.", "leave.strong", False),
        ("Schrijf me niet uit.", "leave.strong", True),
        ("Please do not unsubscribe me.", "leave.strong", True),
        ("Ik kom niet naar het feest, schrijf me uit.", "leave.strong", False),
    ],
)
def test_a_negation_speaks_of_its_own_clause(text: str, topic: str, negated: bool) -> None:
    cues = [cue for cue in find_cues(read_sentences(text), ("nl", "en")) if cue.topic == topic]
    assert [cue.negated for cue in cues] == [negated]


@pytest.mark.parametrize(
    ("text", "topic", "found"),
    [
        ("Merci, oui, mais plus tard", "opening.yes", True),
        ("Je dis oui", "opening.yes", False),
        ("No problem", "opening.no", False),
        ("Uitschrijven, alstublieft!", "leave.whole", True),
        ("Uitschrijven voor de workshop", "leave.whole", False),
    ],
)
def test_openings_begin_a_sentence_and_whole_answers_fill_it(text: str, topic: str, found: bool) -> None:
    cues = find_cues(read_sentences(text), ("nl", "fr", "en"))
    assert any(cue.topic == topic for cue in cues) is found


def test_sentences_end_where_people_end_them() -> None:
    text = "Dag dhr. Maes, hoe gaat het?\nGraag om 14.30 u.\n- een punt\n- nog een a.u.b. hier"
    assert [" ".join(one.words) for one in read_sentences(text)] == [
        "dag dhr maes",
        "hoe gaat het",
        "graag om 14 30 u",
        "een punt",
        "nog een a u b hier",
    ]
