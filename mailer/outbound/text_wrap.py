"""Folds the lines of a plain-text part at 78 characters without ever breaking an address."""

import re

WIDTH = 78
_LEAD = re.compile(r"^((?:> )*)((?:[-•] |\d+\. |\[\d+\] )?)")
_BREAKS = re.compile("([\t\n\v\f\r ]+)")  # a no-break space is no place to break at


def wrap(text: str) -> str:
    """The text with every line folded at spaces; what hangs under a bullet or a quote mark stays under it."""
    return "\n".join(map(fold_line, text.split("\n")))


def fold_line(line: str) -> str:
    """One line, folded where it is longer than 78; a word that is longer still stands on a line of its own."""
    if len(line) <= WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip(" "))]
    lead = _LEAD.match(line.lstrip(" "))
    quote, bullet = (lead.group(1), lead.group(2)) if lead else ("", "")
    return _fold(line, indent + quote + " " * len(bullet))


def _fold(line: str, hanging: str) -> str:
    """Words and the blanks between them, as many on a line as fit; blanks at a break are left out."""
    lines: list[str] = []
    current, blanks = "", ""
    room = WIDTH
    for index, part in enumerate(_BREAKS.split(line.expandtabs())):
        if index % 2:
            blanks = part
        elif current and len(current) + len(blanks) + len(part) > room:
            lines.append(current)
            current, blanks, room = part, "", WIDTH - len(hanging)
        elif part:
            current, blanks = current + blanks + part, ""
    lines += [current] if current else []
    return ("\n" + hanging).join(lines)
