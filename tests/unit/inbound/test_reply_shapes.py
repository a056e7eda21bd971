"""Client by language by body: own words, signature, quote and forward of every answer, exactly."""

import pytest

from mailer.inbound.reply_text import Words, read_words
from tests.unit.inbound.mails import message
from tests.unit.inbound.reply_shapes import NAME, SHAPES, Answer
from tests.unit.inbound.reply_tongues import TONGUES

BODIES = ("text", "html", "both")


def lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def read_answer(answer: Answer, body: str, subject: str = "Re: Nieuws") -> Words:
    head = (f"From: {NAME} <lotte@post.example>", f"Subject: {subject}", "In-Reply-To: <1@v.example>")
    plain, rich = "text/plain; charset=utf-8", "text/html; charset=utf-8"
    if body == "text":
        return read_words(message(answer.text, *head))
    if body == "html":
        return read_words(message(answer.html, *head, content_type=rich))
    parts = f"--b\nContent-Type: {plain}\n\n{answer.text}\n--b\nContent-Type: {rich}\n\n{answer.html}\n--b--\n"
    return read_words(message(parts.replace("\n", "\r\n"), *head, content_type='multipart/alternative; boundary="b"'))


CASES = [
    pytest.param(language, shape, body, id=f"{shape.__name__}-{language}-{body}")
    for shape in SHAPES
    for language in TONGUES
    for body in BODIES
    if body == "text" or shape(TONGUES[language]).html
]


@pytest.mark.parametrize(("language", "shape", "body"), CASES)
def test_an_answer_is_taken_apart(language: str, shape, body: str) -> None:
    answer = shape(TONGUES[language])
    words = read_answer(answer, body, "Fwd: Nieuws" if answer.forwarded else "Re: Nieuws")
    found = (words.own, words.signature, words.quoted, words.forwarded)
    quoted = answer.quoted if body == "text" else f"{answer.heading}\n{answer.quoted}"
    meant = (answer.own, answer.signature, quoted, answer.forwarded)
    assert [lines(text) for text in found] == [lines(text) for text in meant]
