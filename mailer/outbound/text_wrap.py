"""Folds the lines of a plain-text part at 78 characters without ever breaking an address."""

import re
import textwrap

WIDTH = 78
_LEAD = re.compile(r"^((?:> )*)((?:[-•] |\d+\. |\[\d+\] )?)")


def wrap(text: str) -> str:
    """The text with every line folded at spaces; what hangs under a bullet or a quote mark stays under it."""
    return "\n".join(_fold(line) for line in text.split("\n"))


def _fold(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip(" "))]
    lead = _LEAD.match(line.lstrip(" "))
    quote, bullet = (lead.group(1), lead.group(2)) if lead else ("", "")
    hanging = indent + quote + " " * len(bullet)
    folded = textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
    return "\n".join(folded)
