"""Reading IMAP answers: codes that are known, contents that are whole, nothing that names people."""

import pytest

from mailer.errors import MailboxUnavailable
from mailer.inbound import imap_answer


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("NO [OVERQUOTA] full", "OVERQUOTA"),
        ("[b'[UNAVAILABLE] later']", "UNAVAILABLE"),
        ("unexpected response: b'Subject: [VERBINDEN] hulp'", ""),
        ("NO [ANNA] no", ""),
    ],
)
def test_only_known_codes_are_shown(said: str, code: str) -> None:
    assert imap_answer.code(said) == code


@pytest.mark.parametrize(
    ("data", "prefix"),
    [
        ([b'(("" "/")) NIL NIL'], b""),
        ([b'(("INBOX." ".")) NIL (("#shared." "."))'], b"INBOX."),
        ([b'(("Caf&AOk-/" "/")) NIL NIL'], b"Caf&AOk-/"),
        ([b'(("a\\"b/" "/")) NIL NIL'], b'a"b/'),
        ([b"NIL NIL NIL"], b""),
        ([None], b""),
        ([], b""),
    ],
)
def test_the_prefix_of_personal_folders_is_read(data: list[bytes | None], prefix: bytes) -> None:
    assert imap_answer.personal_prefix(data) == prefix


@pytest.mark.conf("REL-37")
@pytest.mark.parametrize("item", [(b"1 (UID 5 BODY[] {4}", b"abc"), (b"1 (UID 5 BODY[] {2}", b"abc"), (b"1 (", b"abc")])
def test_a_content_of_another_length_than_promised_is_refused(item: tuple[bytes, bytes]) -> None:
    with pytest.raises(MailboxUnavailable):
        imap_answer.content(item)


def test_an_item_without_content_has_none() -> None:
    assert imap_answer.content(b"1 (UID 5 FLAGS ())") is None
    assert imap_answer.uid(b"1 (UID 5 RFC822.SIZE 12)") == 5
    assert imap_answer.size(b"1 (UID 5 RFC822.SIZE 12)") == 12
    assert imap_answer.uid(b")") is None
