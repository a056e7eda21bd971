"""The learned model: weights packed in one number, and that reading fast says the same as adding up by hand."""

from random import Random

import pytest

from mailer.inbound.understanding.evidence import Evidence
from mailer.inbound.understanding.features import TAGS, length_of, sentence_names
from mailer.inbound.understanding.language import languages_of
from mailer.inbound.understanding.lexicon import find_cues
from mailer.inbound.understanding.model import LANES, Model, model, sums_of
from mailer.inbound.understanding.sentences import first_words, read_sentences
from mailer.inbound.understanding.weights import from_file, pack, to_file, unpack

TEXT = "Dag An,\n\nZet mij op de lijst, zet mij er maar op? Ik kom niet, mijn collega Els wel.\nأريد أن أنضم إليكم."


def evidence() -> Evidence:
    sentences = read_sentences(TEXT)
    return Evidence(sentences, find_cues(sentences, languages_of(first_words(sentences, 400), TEXT)))


@pytest.mark.parametrize("lanes", [1, 3, LANES])
def test_sums_of_packed_numbers_are_the_sums_of_the_numbers(lanes: int) -> None:
    chance = Random(lanes)
    rows = [[chance.randint(-30_000, 30_000) for _ in range(lanes)] for _ in range(500)]
    assert unpack(sum(pack(row) for row in rows), lanes) == [sum(column) for column in zip(*rows, strict=True)]
    assert unpack(pack(rows[0]) * -7, lanes) == [one * -7 for one in rows[0]]


def test_weights_come_back_from_their_file_as_they_went_in() -> None:
    table = {"w:één": [1, -2, 30_000], "b:< >": [-30_000, 0, 5], "nothing": [0, 0, 0]}
    kept = from_file(to_file(table, 3), 3)
    assert {name: unpack(one, 3) for name, one in kept.items()} == {"w:één": [1, -2, 30_000], "b:< >": [-30_000, 0, 5]}


def test_weights_that_do_not_fit_their_file_are_refused() -> None:
    with pytest.raises(ValueError, match="2 weights"):
        to_file({"one": [1]}, 2)


@pytest.mark.parametrize("thread", ["none", "invitation"])
def test_a_sentence_weighs_what_its_features_weigh(thread: str) -> None:
    found = evidence()
    for at, total in enumerate(sums_of(found, thread, model())):
        cues = [cue for cue in found.cues if cue.sentence == at]
        names = sentence_names(found.sentences[at], thread, cues, at == 0)
        by_hand = [0] * (LANES - 1)
        for name in names:
            if name in model().table:
                weights = unpack(model().table[name], LANES)
                by_hand = [one + other for one, other in zip(by_hand, weights, strict=False)]
        assert unpack(total, LANES) == [*by_hand, len(names)]
        assert length_of(len(names)) ** 2 == pytest.approx(len(names))


def test_the_words_that_are_remembered_do_not_pile_up() -> None:
    using = Model({})
    for number in range(20_050):
        using.of_word(f"woord{number}", "none")
    assert len(using._words) <= 20_000
    assert len(TAGS) + 15 == LANES
