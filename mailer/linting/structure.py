"""Rules on the MIME tree: transfer encodings, alternatives, attachments, sizes, and the text part."""

import email
import re
import unicodedata
from collections.abc import Iterator
from email.message import Message
from email.policy import default

from mailer.linting.reading import Part, Problem, Reading, is_attached

_LARGEST = 500_000
_RANK = {"text/plain": 0, "text/html": 1, "multipart/related": 1, "text/calendar": 2}
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffd\ud800-\udfff]")
_REMNANTS = re.compile(r"\{\{|\{%|\{#|</?mj-|vq[0-9a-f]{16}qv")
_MARKUP = re.compile(r"</?(?:p|br|div|td|tr|table|a|span|html|body|strong|em)\b[^>]*>|&(?:nbsp|amp|lt|gt|quot|#\d+);")


def parsing(mail: Reading) -> Iterator[Problem]:
    """A second reading, by the strict half of the library, must find nothing odd either."""
    try:
        entities = list(email.message_from_bytes(mail.raw, policy=default).walk())
        defects = [defect for entity in entities for defect in (*entity.defects, *_header_defects(entity))]
    except (IndexError, RecursionError, ValueError, AttributeError) as error:
        yield Problem("OUT-10", f"cannot be parsed ({type(error).__name__})")
        return
    for defect in defects:
        yield Problem("OUT-10", f"structure: {type(defect).__name__}")
    if any((entity.preamble or "").strip() or (entity.epilogue or "").strip() for entity in entities):
        yield Problem("OUT-10", "structure: something stands outside the parts")


def _header_defects(entity: Message) -> list[object]:
    found: list[object] = []
    for name, value in entity.items():
        if name.lower() not in ("to", "subject"):  # UTF-8 in To is legal with SMTPUTF8; Subject has rules of its own.
            found += getattr(value, "defects", ())
    return found


def encodings(mail: Reading) -> Iterator[Problem]:
    for part in mail.parts:
        if part.transfer not in ("7bit", "quoted-printable", "base64"):
            yield Problem("OUT-08", f"{part.type}: transferred as {part.transfer[:20]}")
    if not mail.raw.partition(b"\r\n\r\n")[2].isascii():
        yield Problem("OUT-08", "a byte above 127 in the body")


def readable_lines(mail: Reading) -> Iterator[Problem]:
    for part in mail.parts:
        payload = str(part.entity.get_payload())
        if part.transfer == "quoted-printable" and re.search(
            r"(?m)^.{77}|^\.|^From |[ \t]$", payload.replace("\r", "")
        ):
            yield Problem("OUT-09", f"{part.type}: a quoted-printable line that a relay may change")


def texts(mail: Reading) -> Iterator[Problem]:
    for part in mail.parts:
        if not part.type.startswith("text/"):
            continue
        if (part.entity.get_content_charset() or "") != "utf-8":
            yield Problem("OUT-07", f"{part.type}: its charset is not utf-8")
        if _CONTROLS.search(part.text):
            yield Problem("OUT-07", f"{part.type}: a control, a BOM or a byte that is no UTF-8")
        if part.text != unicodedata.normalize("NFC", part.text):
            yield Problem("OUT-07", f"{part.type}: not NFC")


def parameters(mail: Reading) -> Iterator[Problem]:
    for part in mail.parts:
        raw = str(part.entity.get("Content-Disposition", ""))
        if re.search(r"filename\*\d*\*?=", raw):
            fallback = part.entity.get_param("name")
            if (
                not isinstance(fallback, str)
                or not fallback.isascii()
                or not re.search(r"filename\*(0\*)?=utf-8''", raw)
            ):
                yield Problem("OUT-06", "a file name without an ASCII fallback, or not in UTF-8")
        if "\ufffd" in (part.entity.get_filename() or ""):
            yield Problem("OUT-06", "a file name that cannot be read")


def alternatives(mail: Reading) -> Iterator[Problem]:
    for entity in mail.root.walk():
        if entity.get_content_type() != "multipart/alternative":
            continue
        payload = entity.get_payload()
        kinds = [part.get_content_type() for part in payload if isinstance(part, Message)]
        ranks = [_RANK.get(kind, -1) for kind in kinds]
        if not ranks or ranks[0] != 0 or ranks != sorted(set(ranks)) or -1 in ranks:
            yield Problem("OUT-50", "alternatives that are not text, then html, then calendar")
    if mail.text is None:
        yield Problem("OUT-50", "no text part")


def parts_and_size(mail: Reading) -> Iterator[Problem]:
    for part in mail.parts:
        if not part.data.strip():
            yield Problem("OUT-53", f"{part.type}: empty")
        if not _is_allowed(part):
            yield Problem("OUT-54", f"{part.type}: not on the list of what a letter may carry")
    if len(mail.raw) > _LARGEST:
        yield Problem("OUT-54", f"{len(mail.raw)} bytes is more than {_LARGEST}")


def _is_allowed(part: Part) -> bool:
    if part.type in ("text/plain", "text/html", "text/calendar"):
        return not is_attached(part.entity) or part.type == "text/calendar"
    inline = part.type.startswith("image/") and part.entity.get_content_disposition() == "inline"
    return part.type == "application/ics" or (inline and part.type != "image/svg+xml")


def equal_text(mail: Reading) -> Iterator[Problem]:
    text = mail.text or ""
    if _MARKUP.search(text):
        yield Problem("OUT-51", "text: HTML in it")
    for name, content in (("text", text), ("html", mail.page.source if mail.page else ""), ("subject", mail.subject)):
        if _REMNANTS.search(content):
            yield Problem("OUT-51", f"{name}: what a template left behind")
    if mail.page is not None:
        wanted = {link.attributes["href"].strip() for link in mail.page.links}
        web = {link for link in wanted if link.startswith(("http://", "https://"))}
        missing = sum(not _occurs(link, text) for link in web)
        if missing:
            yield Problem("OUT-51", f"text: {missing} of the links of the HTML are not in it")


def _occurs(link: str, text: str) -> bool:
    """As a whole: a link that is only the beginning of another one does not count."""
    return bool(re.search(re.escape(link) + r"(?![A-Za-z0-9/_-])", text))


def calendar_copies(mail: Reading) -> Iterator[Problem]:
    shown = [part for part in mail.calendars if not is_attached(part.entity)]
    if not shown:
        return
    if len(shown) != 1 or mail.root.get_content_type() != "multipart/mixed":
        yield Problem("CAL-20", "not mixed(alternative(…, one text/calendar), a file)")
    files = [part for part in mail.calendars if is_attached(part.entity)]
    if len(files) != 1 or any(part.data != shown[0].data for part in files):
        yield Problem("CAL-20", "the calendar part and the calendar file are not one and the same")


RULES = (
    parsing,
    encodings,
    readable_lines,
    texts,
    parameters,
    alternatives,
    parts_and_size,
    equal_text,
    calendar_copies,
)
