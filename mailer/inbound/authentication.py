"""What our own mail server found out about the author of a mail: Authentication-Results, and no word of anybody else's.

Anybody can write such a field. One counts only when it carries the name of our server (`authserv_id`) and stands above
the first Received that our servers did not write (RFC 8601 §4.1, §5, §7.1; conformance INB-20). Everything here is
linear in the length of the fields.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Verdict = Literal["pass", "fail", "none"]
_LENGTH = 10_000
_FIELDS = 60


@dataclass(frozen=True, slots=True)
class _Result:
    """One method's result: "dmarc", "fail", and its properties such as {"header.from": "huis.example"}."""

    method: str
    value: str
    properties: dict[str, str]


def verify(trace: Sequence[tuple[str, str]], author: str, authserv_id: str) -> Verdict:
    """Whether our server vouches for the domain of `author` (an address), says it is forged, or says nothing.

    `trace` holds the Received and Authentication-Results fields as (lower-case name, value), the top-most first. With
    an empty `authserv_id` nothing is trusted. A "fail" of DMARC outweighs every "pass": forged results only praise.
    """
    domain = _domain(author)
    if not authserv_id or not domain:
        return "none"
    results = [one for value in _trusted(trace, authserv_id.lower()) for one in _results(value, authserv_id.lower())]
    verdicts = {one.value for one in results if one.method == "dmarc"}
    if "fail" in verdicts:
        return "fail"
    if "pass" in {one.value for one in results if one.method == "dmarc" and _names(one, domain)}:
        return "pass"
    if any(_aligned(one, domain) for one in results if one.value == "pass"):
        return "pass"
    refused = any(_aligned(one, domain) for one in results if (one.method, one.value) == ("spf", "fail"))
    return "fail" if refused and verdicts <= {"none"} else "none"


def _names(result: _Result, domain: str) -> bool:
    """Whether a result of DMARC is about this domain; not every server says which one it looked at."""
    named = result.properties.get("header.from")
    return named is None or _domain(named) == domain


def _aligned(result: _Result, domain: str) -> bool:
    """Relaxed alignment (RFC 9989 §4.4) as far as it shows without a list of registries: one is below the other."""
    wanted = {"spf": ("smtp.mailfrom", "smtp.helo"), "dkim": ("header.d", "header.i")}.get(result.method, ())
    named = next((result.properties[name] for name in wanted if result.properties.get(name)), "")
    found = _domain(named)
    below = found.endswith(f".{domain}") or (domain.endswith(f".{found}") and "." in found)
    return bool(found) and (found == domain or below)


def _domain(address: str) -> str:
    """The domain of an address or of "@domain", or a bare domain; in lower case, its letters as ASCII."""
    domain = address.rpartition("@")[2].strip()[:255].rstrip(".").lower()
    try:
        return domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        return ""


def _trusted(trace: Sequence[tuple[str, str]], authserv_id: str) -> list[str]:
    """The results above the first Received of a stranger; none at all where no server left a trace."""
    found: list[str] = []
    received = False
    for name, value in trace[:_FIELDS]:
        if name == "authentication-results":
            found.append(value)
        elif name == "received":
            received = True
            if not _is_ours(value[:_LENGTH], authserv_id):
                break
    return found if received else []


def _is_ours(received: str, authserv_id: str) -> bool:
    """Whether the server behind `by` is ours (RFC 5321 §4.4): that name, a neighbour of it, or a step in one house."""
    words = _without_comments(received).partition(";")[0].lower().split()
    host = next((after.rstrip(".") for word, after in pairwise(words) if word == "by"), "")
    house = authserv_id.partition(".")[2]
    if _is_of_a_registry(house):
        house = authserv_id
    if host in (authserv_id, house) or host.endswith((f".{authserv_id}", f".{house}")):
        return True
    # Google hands mail on between its own machines by address, and says from nowhere; so do LMTP and local delivery.
    return (host == "localhost" or _is_numeric(host)) and "from" not in words


def _is_of_a_registry(house: str) -> bool:
    """Whether anybody can have a name below this one: "example", "co.uk"."""
    labels = house.split(".")
    return len(labels) < 2 or (len(labels) == 2 and len(labels[0]) <= 3 and len(labels[1]) == 2)


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return False
    return True


def _results(value: str, authserv_id: str) -> Iterator[_Result]:
    """The results of one field (RFC 8601 §2.2), if it is of our server and of version 1."""
    first, *others = _pieces(_without_comments(value[:_LENGTH]))
    if [word.lower() for word in first] not in ([authserv_id], [authserv_id, "1"]):
        return
    for words in others[:100]:
        pairs = _pairs(words)
        if pairs:
            method, result = pairs[0]
            yield _Result(method.partition("/")[0], result.lower(), dict(reversed(pairs[1:])))


def _without_comments(text: str) -> str:
    """The text with a space for each comment; comments nest, and hide nothing in a quoted string (RFC 5322 §3.2)."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif not quoted and char == "(":
            depth += 1
            kept.append(" ")
        elif not quoted and char == ")" and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(char)
    return "".join(kept)


def _pieces(text: str) -> list[list[str]]:
    """The words between semicolons; "=" is a word of its own, and a quoted string loses its quotes."""
    pieces: list[list[str]] = [[]]
    word: list[str] = []
    quoted, escaped, begun = False, False, False
    for char in f"{text} ":
        if escaped:
            word.append(char)
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted, begun = not quoted, True  # an empty string is a word, too
        elif quoted or not (char.isspace() or char in "=;"):
            word.append(char)
        else:
            pieces[-1] += ["".join(word)] if word or begun else []
            word.clear()
            begun = False
            if char == "=":
                pieces[-1].append("\0")
            elif char == ";":
                pieces.append([])
    return pieces


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    """(name, value) for each "=": the name is all that stands before it since the last value, as in "header . d"."""
    pairs: list[tuple[str, str]] = []
    name: list[str] = []
    words_left = iter(words)
    for word in words_left:
        if word != "\0":
            name.append(word)
            continue
        pairs.append(("".join(name).lower(), next(words_left, "")))
        name.clear()
    return pairs
