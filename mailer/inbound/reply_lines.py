"""Lines of a mail, each put where it belongs: own words, what is answered, what is forwarded; one pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mailer.inbound import reply_marks as known
from mailer.inbound.html_text import BORDER, FRAME, HEADING, OWN, QUOTED, REST, SIGNED, WEAK

_DRAWN = "-_=*—–>#\u200e\u200f"
_AFTER = " *_\u200e\u200f\u202a\u202c"
_LOOK_BELOW = 6


@dataclass(slots=True)
class Regions:
    """The lines of each region; `sure`: a program's own mark of a quote was seen, not only a ">" or a blockquote."""

    own: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    sure: bool = False


def sort_lines(lines: Sequence[str], marks: Sequence[int], kind: str = "answer") -> Regions:
    """Sort stripped lines by their marks and by what they say; `kind` of the mail: "answer", "forward", "new" or "".

    In a new mail, quotes that nothing but a ">" shows are a way of writing: they are own words.
    """
    sorting = _Sorting(lines, marks, kind)
    own, at, size = sorting.own, 0, len(lines)
    while at < size:
        line = lines[at]
        if marks[at] == OWN and line and ":" not in line and line[0] not in _DRAWN:
            # Almost every line of a person ends here.
            own.append(line)
            sorting.inside = False
            at += 1
        else:
            at = sorting.take(at)
    if WEAK in marks and kind == "new" and not sorting.regions.sure:
        plain = [line.lstrip("> ") if mark == WEAK else line for line, mark in zip(lines, marks, strict=True)]
        return sort_lines(plain, [OWN if mark == WEAK else mark for mark in marks], "new")
    return sorting.regions


class _Sorting:
    """The state of the one pass."""

    def __init__(self, lines: Sequence[str], marks: Sequence[int], kind: str) -> None:
        self.lines, self.marks, self.kind = lines, marks, kind
        self.regions = Regions()
        self.own = self.regions.own
        self.fresh = 0  # where the lines began that are own without a break
        self.inside = False  # whether the line before was marked

    def take(self, at: int) -> int:
        """Put the line at `at`, or more, where it belongs; returns the next line to look at."""
        line, mark = self.lines[at], self.marks[at]
        if mark in (OWN, FRAME) or (mark == BORDER and not self._is_header_below(at)):
            self.inside = False
            if line and (":" in line or line[0] in _DRAWN):
                after = self._end_of_own(at)
                if after > at:
                    self.fresh = after
                    return after
            self.own.append(line)
            return at + 1
        self.fresh = at + 1
        begins, self.inside = not self.inside, True
        if not begins and mark in (QUOTED, WEAK) and line[:3] != ">>>":
            self.regions.quoted.append(line.lstrip("> ") if mark == WEAK else line)
            return at + 1
        return self._marked(at, line, mark, begins)

    def _is_header_below(self, at: int) -> bool:
        return known.looks_like_header(self.lines, at + 1)

    def _marked(self, at: int, line: str, mark: int, begins: bool) -> int:
        if mark == SIGNED:
            self.regions.signed.append(line)
            return at + 1
        self.regions.sure |= mark != WEAK
        if mark in (REST, BORDER):
            return self._rest(at + (not line), False)
        if line.startswith(">>>") and known.is_original_mark(line):
            return self._below_mark(at + 1)
        if not line:
            self.inside = not begins
        elif begins and (known.is_forward_mark(line) or (mark == HEADING and line.startswith("---"))):
            return self._forwarded_run(at + 1)
        if mark != HEADING:
            if begins:
                self._drop_heading()
            self.regions.quoted.append(line.lstrip("> ") if mark == WEAK else line)
        return at + 1

    def _drop_heading(self) -> None:
        """Right above a quote, who and when need no word for writing: "An" an@a.example – 3 november 2026 10:12."""
        own = self.own
        if self.regions.quoted and not (own and own[-1]):
            return
        at = len(own) - 1
        while at >= 0 and not own[at]:
            at -= 1
        if at >= 0 and len(own) - at <= 2 and known.is_signed_date(own[at]):
            del own[at:]
            self.regions.sure = True

    def _end_of_own(self, at: int) -> int:
        """The line after a mark in line `at`, with all that it takes along; `at` itself where there is none."""
        line = self.lines[at]
        if line[-1] in ":" + _AFTER and line.rstrip(_AFTER).endswith(":"):
            after = self._attribution(at, line.rstrip(_AFTER))
            if after > at:
                return after
        if line[0] in _DRAWN:
            after = self._drawn(at, line)
            if after > at:
                return after
        length = known.header_block_length(self.lines, at, any(self.own) or self.kind in ("answer", "forward"))
        return self._rest(at, not any(self.own), length) if length else at

    def _drawn(self, at: int, line: str) -> int:
        if known.is_forward_mark(line):
            return self._forward_below(at + 1)
        if known.is_original_mark(line):
            return self._below_mark(at + 1)
        if len(line) >= 20 and known.is_rule(line) and self._is_header_below(at):
            return self._rest(at + 1, not any(self.own))
        return at

    def _attribution(self, at: int, line: str) -> int:
        if known.is_forward_mark(line):
            return self._forward_below(at + 1)
        below = self._is_marked_below(at + 1)
        start = known.attribution_start([*self.lines[max(0, at - 4) : at], line], min(at, 4), below)
        if start < 0:
            return at
        taken = min(min(at, 4) - start, at - self.fresh)
        heading = " ".join([*self.own[len(self.own) - taken :], line])
        if taken:
            del self.own[-taken:]
        # "Jullie schreven:", perhaps at the end of a sentence, is the author's; nobody but a program adds a date.
        words = known.before_attribution(heading) if known.is_dated(heading) else heading
        self.own.extend([words] if words else [])
        self.regions.sure = True
        return at + 1 if below else self._rest(at + 1, False)

    def _is_marked_below(self, at: int) -> bool:
        """Whether the next line with words is marked as a quote, so that answers may stand between the quotes."""
        for here in range(at, min(len(self.lines), at + _LOOK_BELOW)):
            if self.lines[here]:
                return self.marks[here] in (QUOTED, WEAK)
        return False

    def _below_mark(self, at: int) -> int:
        """The mail that is answered begins here, perhaps with its header."""
        length = known.header_block_length(self.lines, at) if at < len(self.lines) else 0
        return self._rest(at, False, length)

    def _rest(self, at: int, alone: bool, length: int = -1) -> int:
        """All that follows is quoted, or forwarded; after a header only that, where the quote itself is marked."""
        self.regions.sure = True
        forwarded = self.kind == "forward" or (alone and self.kind != "answer")
        kept = self.regions.forwarded if forwarded else self.regions.quoted
        end = len(self.lines)
        if length >= 0 and not forwarded and self._is_marked_below(at + length):
            end = at + length
        kept.extend(line.lstrip("> ") for line in self.lines[at:end])
        return end

    def _forward_below(self, at: int) -> int:
        """A forward as the author's program announced it: the marked lines below, or all of them."""
        self.regions.sure = True
        if self._is_marked_below(at):
            return self._forwarded_run(at)
        self.regions.forwarded.extend(line.lstrip("> ") for line in self.lines[at:])
        return len(self.lines)

    def _forwarded_run(self, at: int) -> int:
        """What is forwarded goes on for as long as lines are marked."""
        self.regions.sure = True
        end = at
        while end < len(self.lines) and (self.marks[end] not in (OWN, SIGNED) or not self.lines[end]):
            end += 1
        self.regions.forwarded.extend(line.lstrip("> ") for line in self.lines[at:end])
        return end
