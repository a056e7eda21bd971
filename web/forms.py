"""What a browser or a mail program posts: read within limits, decoded, and never trusted."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

#: Our longest form is a note of 2000 characters (conformance SEC-31).
MAX_BODY = 64 * 1024
#: The body of RFC 8058 §3.2 is 26 octets, some more as multipart.
MAX_ONE_CLICK = 1024
MAX_FIELDS = 20
#: A form that trickles in holds a connection; this is long enough for a bad line.
READ_WITHIN_SECONDS = 20.0
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, the first of each name, without control characters; `size` is the body's, in octets."""

    fields: Mapping[str, str]
    size: int = 0

    def get(self, name: str) -> str:
        """A field, "" where it is missing."""
        return self.fields.get(name, "")

    @property
    def is_one_click(self) -> bool:
        """Whether a mail program asks this for its reader (RFC 8058 §3.2)."""
        return self.size <= MAX_ONE_CLICK and self.get("List-Unsubscribe") == "One-Click"


async def read(request: Request) -> Form:
    """The form in a request, urlencoded or multipart; anything else is an empty form.

    Raises HTTPException: 413 for a body that is too big, 408 for one that does not come, 400 for a broken one.
    """
    try:
        async with asyncio.timeout(READ_WITHIN_SECONDS):
            body = await _body(request)
    except TimeoutError:
        raise HTTPException(408) from None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        pairs = _urlencoded(body)
    elif kind == "multipart/form-data":
        pairs = await _multipart(request, body)
    else:
        pairs = []
    return Form({name: _CONTROLS.sub("", value) for name, value in reversed(pairs)}, len(body))


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MAX_BODY:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413)
    return bytes(body)


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        text = body.decode("ascii", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
    except ValueError:
        raise HTTPException(400) from None


async def _multipart(request: Request, body: bytes) -> list[tuple[str, str]]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, once(), max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_BODY)
    try:
        found = await parser.parse()
    except MultiPartException:
        raise HTTPException(400) from None
    return [(name, value) for name, value in found.multi_items() if isinstance(value, str)]
