"""Own words apart from what people sign with and what programs add to them."""

from collections.abc import Sequence

from mailer.inbound import reply_marks as known

_SEPARATORS = ("--", "—", "- -")
_TALL = 30  # lines of a signature, at most
_FOOTER = 9  # lines of a mailing list under a line of "_", at most
_NEAR_END = 14
_SMALL = frozenset(("van", "de", "der", "den", "del", "della", "di", "da", "la", "le", "el", "al", "von", "zu", "bin"))


def cut_signature(lines: list[str], names: frozenset[str]) -> tuple[list[str], list[str]]:
    """(own lines, signature): it begins at "--", at a closing formula, or at a line with the author's name."""
    lines = _trimmed(lines)
    telling = {line for line in lines if line and known.may_sign(line)}
    start = _signature_start(lines, telling, names)
    kept = _trimmed(lines[:start])
    phone = [line for line in kept if line in telling and known.is_mobile_line(line)]
    if phone:
        added = set(phone)
        kept = [line for line in kept if line not in added]
    own, tail = _back_to_own(kept, lines[start:])
    signature = [*phone, *tail]
    if known.may_disclaim(" ".join(own)):
        own = _without_disclaimers(own, signature)
    return _trimmed(own), _trimmed(signature)


def _trimmed(lines: list[str]) -> list[str]:
    """Without rules drawn between mails at either end, and without empty lines there."""
    start, end = 0, len(lines)
    while start < end and (not lines[start] or known.is_rule(lines[start])):
        start += 1
    while end > start and (not lines[end - 1] or known.is_rule(lines[end - 1])):
        end -= 1
    return lines[start:end]


def _signature_start(lines: Sequence[str], telling: set[str], names: frozenset[str]) -> int:
    for at, line in enumerate(lines):
        if line not in telling or len(line) > 80:
            continue
        if len(lines) - at <= _TALL and (_separates(lines, at) or _closes(lines, at, names)):
            return at
    return _name_start(lines, names)


def _separates(lines: Sequence[str], at: int) -> bool:
    """A "--", or the line over the footer of a mailing list, and below it no sentence of the author."""
    line = lines[at]
    drawn = len(lines) - at <= _FOOTER and len(line) >= 20 and not line.strip("_")
    return (line in _SEPARATORS or drawn) and not known.is_sentence(_next(lines, at))


def _next(lines: Sequence[str], at: int) -> str:
    """The next line with words of the author, or ""."""
    return next((line for line in lines[at + 1 : at + 5] if line and not known.is_mobile_line(line)), "")


def _closes(lines: Sequence[str], at: int, names: frozenset[str]) -> bool:
    """A closing formula, after which nobody goes on telling; as the first line only if it is no thanks."""
    formula = known.closing(lines[at], names)
    if not formula or (at == 0 and (known.is_thanks(formula) or len(lines) == 1)):
        return False
    return not known.is_sentence(_next(lines, at), formula)


def _name_start(lines: Sequence[str], names: frozenset[str]) -> int:
    if names:
        for at in range(max(1, len(lines) - _NEAR_END), len(lines)):
            if _is_name(lines, at, names):
                return at
    return len(lines)


def _is_name(lines: Sequence[str], at: int, names: frozenset[str]) -> bool:
    """A short line near the end, of names only, that holds a word of the author's name and is not one of a list."""
    line = lines[at]
    if not line or len(line) > 60 or line[-1] in "?!:" or "@" in line:
        return False
    words = line.split(",")[0].replace(".", " ").replace("(", " ").split()
    held = [word for word in words if word.casefold() in names]
    return bool(held) and len(words) <= 5 and _are_names(line, words, held) and _ends_before(lines, at)


def _are_names(line: str, words: Sequence[str], held: Sequence[str]) -> bool:
    """Names begin with a capital, after the first one a title may follow a dash; "an" alone is a name as well."""
    if len(held) == len(words):
        return True
    head = words[: next((at for at, word in enumerate(words) if word in "-–—|/"), len(words))]
    return line[0].isupper() and all(not word[0].islower() or word in _SMALL for word in head)


def _ends_before(lines: Sequence[str], at: int) -> bool:
    """Whether the sentence before this line is over, and the line no entry of a list."""
    before = lines[at - 1]
    if not before:
        return True
    words = before.split()
    listed = before[-1] == ":" or before[0] in "-*•–" or (len(words) > 1 and all(word[0].isupper() for word in words))
    return not listed and (before[-1] in ".!?,)" or len(before) < 30)


def _back_to_own(kept: list[str], tail: list[str]) -> tuple[list[str], list[str]]:
    """Postscripts under a signature are own words, and so are sentences in which an "I" goes on; no phone's lines."""
    own, signature, back = list(kept), list[str](), False
    for at, line in enumerate(tail):
        if known.is_postscript(line):
            back = True
            own.append("")
        elif not line or (known.may_sign(line) and known.is_mobile_line(line)):
            back = False
        elif at and not tail[at - 1]:
            back = _is_afterthought(tail, at)
            own.extend([""] * back)
        (own if back else signature).append(line)
    return own, signature


def _is_afterthought(tail: Sequence[str], at: int) -> bool:
    """A paragraph under the signature that is a sentence of the author: it ends as one, and an "I" speaks in it."""
    end = at
    while end < len(tail) and tail[end] and end - at < 6:
        end += 1
    paragraph = " ".join(tail[at:end])
    if paragraph[-1] not in ".!?" or not known.speaks_for_itself(paragraph) or "://" in paragraph:
        return False
    return not known.is_disclaimer(paragraph)


def _without_disclaimers(own: Sequence[str], signature: list[str]) -> list[str]:
    """Paragraphs of a mail server go to the signature."""
    kept: list[str] = []
    for block in _paragraphs(own):
        (signature if known.is_disclaimer(" ".join(block)) else kept).extend(["", *block])
    return kept


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]
