"""The settings for DKIM: whose domain signs, and one or two keys, each under its selector."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailer import maillog
from mailer.outbound.signing import Signer

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def domain(text: str) -> str:
    """A host name in lower case, or "" for that of NETWORK_ADDRESS; raises ValueError."""
    if text and not (_NAME.fullmatch(text.lower()) and "." in text):
        raise ValueError("must be a domain, like learning.example")
    return text.lower()


def selector(text: str) -> str:
    """A selector in lower case, or "" for none (RFC 6376 §3.1); raises ValueError."""
    if text and not _NAME.fullmatch(text.lower()):
        raise ValueError("must be one word, like verbinden2026")
    return text.lower()


def read(values: Mapping[str, Any], problems: list[str]) -> tuple[Signer, ...]:
    """The keys that letters are signed with; what is wrong with them is added to `problems`."""
    address = values["NETWORK_ADDRESS"]
    own = address.rpartition("@")[2] if address else ""
    signs = values["DKIM_DOMAIN"] or own
    if own and not f".{own}".endswith(f".{signs}"):
        problems.append(f"DKIM_DOMAIN: must be {own}, or a domain above it: that of NETWORK_ADDRESS (RFC 7489 §3.1)")
        return ()
    found = [_read(values, ending, signs, problems) for ending in ("", "_2")]
    chosen = [values[f"DKIM_SELECTOR{ending}"] for ending in ("", "_2")]
    if chosen[0] and chosen[0] == chosen[1]:
        problems.append("DKIM_SELECTOR_2: is the same as DKIM_SELECTOR; each key needs a name of its own")
    return tuple(signer for signer in found if signer)


def _read(values: Mapping[str, Any], ending: str, signs: str, problems: list[str]) -> Signer | None:
    chosen, file = values[f"DKIM_SELECTOR{ending}"], values[f"DKIM_KEY_FILE{ending}"]
    if not chosen and not file:
        return None
    if not chosen or not file:
        missing, given = ("SELECTOR", "KEY_FILE") if file else ("KEY_FILE", "SELECTOR")
        problems.append(f"DKIM_{missing}{ending}: is not set, but DKIM_{given}{ending} is; set both, or neither")
        return None
    from mailer.outbound.signing_key import WeakKey, load  # a tenth of a second, which only who signs should wait

    try:
        return load(signs, chosen, Path(file))
    except WeakKey as weak:
        maillog.key_too_weak(chosen, str(weak))
    except ValueError as error:
        problems.append(f"DKIM_KEY_FILE{ending}: {error}")
    return None
