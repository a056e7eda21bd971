"""How mail programs and people mark the end of their own words; knowledge from words/*.toml, rules without regexes."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from mailer.inbound.fold import fold

LANGUAGES = ("nl", "fr", "en", "de", "es", "it", "pt", "tr", "ar", "uk", "ru", "pl")
_DIGIT = re.compile(r"\d")
_DASHES = "-—–_=*#~ "
_ENDS = " ,.!:;-*_"
_UNSEEN = " *_\u200f\u200e\u202b\u202c\t"


@cache
def _tables() -> Mapping[str, Mapping[str, list[str]]]:
    """What each language knows of replies, read once: the table `reply` at the end of its file."""
    folder = files("mailer.inbound.understanding").joinpath("words")
    sources = {language: folder.joinpath(f"{language}.toml").read_text(encoding="utf-8") for language in LANGUAGES}
    return {language: tomllib.loads(source).get("reply", {}) for language, source in sources.items()}


@cache
def _phrases(name: str) -> Mapping[str, str]:
    """The folded phrases of one kind, each with the language it is of."""
    return {fold(phrase): language for language, table in _tables().items() for phrase in table.get(name, [])}


@cache
def _index(name: str) -> Mapping[str, tuple[str, ...]]:
    """The phrases by their first letters, the longest first: most lines are passed over after one look."""
    found: dict[str, list[str]] = {}
    for phrase in sorted(_phrases(name), key=len, reverse=True):
        found.setdefault(phrase[:3], []).append(phrase)
    return {head: tuple(phrases) for head, phrases in found.items()}


def _opening(line: str, name: str) -> str:
    """The longest phrase of this kind that a line begins with, as whole words; "" for none."""
    head, index = line[:3], _index(name)
    head = head.lower() if head.isascii() else fold(line[:6])[:3]
    near = index.get(head)
    if head[:2] in index:
        near = (near or ()) + index[head[:2]]
    if not near:
        return ""
    folded = fold(line[:200])
    return next((one for one in near if folded.startswith(one) and not folded[len(one) : len(one) + 1].isalpha()), "")


def _words(line: str) -> list[str]:
    folded = fold(line)
    for mark in ",.:;!?'\"()[]<>*_":
        folded = folded.replace(mark, " ")
    return folded.split()


@cache
def _mine(language: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _tables()[language].get("mine", []))


@cache
def _signing() -> frozenset[str]:
    """The first letters of every closing formula and of every line of a telephone."""
    return frozenset(_index("closings")) | frozenset(_index("mobile"))


def may_sign(line: str) -> bool:
    """Whether a line may begin a signature, by its first letters: one look, before it is read."""
    head = line[:3].lower()
    return head in _signing() or head[:2] in _signing() or head[0] in _DASHES or not head.isascii()


def is_mobile_line(line: str) -> bool:
    """A line such as "Sent from my iPhone", and nothing more."""
    return 0 < len(line) < 100 and not line.endswith("?") and bool(_opening(line.lstrip(_DASHES), "mobile"))


def closing(line: str, names: frozenset[str] = frozenset()) -> str:
    """The closing formula a line is, perhaps with the name after it ("Met vriendelijke groeten, An"); "" for none."""
    if not 0 < len(line) < 60 or line.endswith("?"):
        return ""
    formula = _opening(line.lstrip(_ENDS), "closings")
    return formula if formula and _is_all(line.split()[len(formula.split()) :], formula, names) else ""


def _is_all(more: list[str], formula: str, names: frozenset[str]) -> bool:
    """Only names may follow, few of them: "Merci de m'inscrire" and "Thanks, add me" are wishes."""
    if len(more) > (2 if " " not in formula else 4):
        return False
    if more and more[-1].endswith(",") and _mine(_phrases("closings")[formula]).isdisjoint(_words(" ".join(more))):
        return True
    return all(not word[0].islower() or word.casefold().strip(_ENDS) in names or _joins(word) for word in more)


def _joins(word: str) -> bool:
    return fold(word).strip(_ENDS) in _phrases("joints")


def is_thanks(formula: str) -> bool:
    """Whether a closing formula thanks: alone it may be all that somebody has to say."""
    return formula in _phrases("thanks")


def is_postscript(line: str) -> bool:
    """A line that goes on after the signature: "PS: ..."."""
    if line[:1].lower() not in "pnпз":
        return False
    return fold(line[:20]).replace(".", "").startswith(("ps ", "ps:", "nb:", "nb ", "p s", "пс:", "пс ", "зы:", "зы "))


def speaks_for_itself(line: str, language: str = "") -> bool:
    """Whether a line is a sentence in the first person of one language, or of any; no line with a number to call."""
    words = _words(line[:1000])
    if len(words) < 3 or max_digits(line) >= 6:
        return False
    spoken = (language,) if language else LANGUAGES
    return any(not _mine(one).isdisjoint(words) for one in spoken)


def is_sentence(line: str, formula: str = "") -> bool:
    """Whether the line after a closing formula goes on telling: its end says so, or its "I"."""
    if is_disclaimer(line) or "@" in line or "://" in line or max_digits(line) >= 6:
        return False
    ended = line.endswith((".", "!", "?", "؟")) and len(line.split()) >= 4 and line.rpartition(" ")[2].count(".") < 2
    return ended or speaks_for_itself(line, _phrases("closings").get(formula, ""))


def max_digits(line: str) -> int:
    """How many digits a line holds, up to where it is surely a number to call."""
    return len(_DIGIT.findall(line, 0, 200))


def is_disclaimer(paragraph: str) -> bool:
    """A paragraph a server or a program adds: confidentiality, the environment, viruses, lists; never in an "I"."""
    text = paragraph[:2000].lower().replace("’", "'").replace(".www", ". www")
    for word in _telling_words(text):
        for phrase, language in _telling()[word]:
            if phrase in text:
                return _mine(language).isdisjoint(_words(text))
    return False


def may_disclaim(text: str) -> bool:
    """Whether a text holds a telling word of any disclaimer: one look at all of it, before its paragraphs are read."""
    return bool(_telling_words(text.lower()))


def _telling_words(text: str) -> frozenset[str]:
    return _telling_heads().intersection(_bare(text).split())


@cache
def _telling_heads() -> frozenset[str]:
    return frozenset(_telling())


def _bare(text: str) -> str:
    return text.replace(".", " ").replace(",", " ").replace(":", " ")


@cache
def _telling() -> Mapping[str, list[tuple[str, str]]]:
    """Under the longest word of each disclaimer: it, as it is written and as it is folded, and its language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for language, table in _tables().items():
        written = [phrase.lower() for phrase in table.get("disclaimers", [])]
        for phrase in dict.fromkeys([*written, *map(fold, written)]):
            found.setdefault(max(_bare(phrase).split(), key=len), []).append((phrase, language))
    return found


def banner_length(lines: Sequence[str]) -> int:
    """How many of the first lines a mail server has written over a mail: "CAUTION: this came from outside ..."."""
    at = found = 0
    while at < min(len(lines), 12):
        if lines[at]:
            if not _is_banner(lines[at]):
                break
            at = found = _banner_end(lines, at)
        else:
            at += 1
    return found


def _banner_end(lines: Sequence[str], start: int) -> int:
    """The line after a banner: it goes on for as long as lines begin, or end, one of its warnings."""
    end = start + 1
    before = fold(lines[start])
    for at in range(start + 1, min(len(lines), start + 7)):
        if not lines[at]:
            break
        joined = f"{before} {fold(lines[at])}"
        if any(phrase in joined and phrase not in before for phrase in _phrases("warnings")):
            end = at + 1
        before = fold(lines[at])
    return end


def _is_banner(line: str) -> bool:
    plain = line.lstrip(" *[_!⚠️|#-")
    if _opening(plain, "banners"):
        return True
    alarm = _opening(plain, "alarms")
    if not alarm:
        return False
    rest = plain[len(alarm) :].lstrip(" *]:!_-–—.")
    return bool(_opening(rest, "banners")) or (not rest and plain.isupper())


def is_original_mark(line: str) -> bool:
    """A line such as "-----Original Message-----", "-----An <a@b> wrote: -----" or ">>> An 3/11/2026 10:00 >>>"."""
    if line.startswith(">>>"):
        return line.endswith(">>>") and max_digits(line) >= 4
    return _is_dashed(line) and (_has(line, "originals") or (line.rstrip(_DASHES).endswith(":") and has_wrote(line)))


def is_forward_mark(line: str) -> bool:
    """A line such as "---------- Forwarded message ---------" or "Begin forwarded message:"."""
    if _is_dashed(line):
        return _has(line, "forwards")
    return len(line) < 120 and line.endswith(":") and bool(_opening(line.lstrip(_DASHES), "forwards"))


def _is_dashed(line: str) -> bool:
    inner = line.strip("*# ")
    return 10 < len(inner) < 160 and inner[:2] in ("--", "——", "__", "==") and inner[-2:] in ("--", "——", "__", "==")


def is_rule(line: str) -> bool:
    """A line drawn between mails."""
    return len(line) > 7 and line[0] in _DASHES and not line.strip(_DASHES)


def _has(line: str, name: str) -> bool:
    folded = fold(line)
    return any(phrase in folded for phrase in _phrases(name))


def has_wrote(line: str) -> bool:
    """Whether a line says that somebody, and not "I", wrote something."""
    folded = fold(line)
    words = _words(folded)
    found = [phrase for phrase in _phrases("wrote") if (phrase in words if " " not in phrase else phrase in folded)]
    return bool(found) and ("@" in line or not _is_mine(words, found))


def _is_mine(words: list[str], verbs: list[str]) -> bool:
    """Whether "I" stands within two words of the verb: "Op 3 mei schreef ik jullie:"."""
    for verb in verbs:
        last = verb.split()[-1]
        at = words.index(last) if last in words else -1
        if at >= 0 and not _mine(_phrases("wrote")[verb]).isdisjoint(words[max(0, at - 2) : at + 3]):
            return True
    return False


def attribution_start(lines: Sequence[str], end: int, below: bool) -> int:
    """Where the attribution that ends in line `end` ("On … wrote:") begins, or -1; `below`: a marked quote follows."""
    joined = ""
    for start in range(end, max(-1, end - 4), -1):
        line = lines[start]
        if not line or len(line) > 300 or line.startswith(">"):
            break
        joined = f"{line} {joined}".strip()
        if _is_attribution(joined, below) and not _goes_back(lines, start):
            return start
    # A line of its own before it was perhaps no part of it.
    return end if _is_attribution(lines[end], below) else -1


def _is_attribution(line: str, below: bool) -> bool:
    """Who wrote when: a word for writing; and an address and a date, or a date and a time, or a quote below.

    Programs in Russian do without the word: "пн, 23 нояб. 2026 г. в 10:12, An <an@a.example>:".
    """
    digits = max_digits(line.partition("<")[0] + line.rpartition(">")[2])
    timed = digits >= 5 and _is_start(line)
    if timed and line.endswith(">:") and "@" in line:
        return True
    return ((digits >= 3 and ("@" in line or timed)) or below) and has_wrote(line)


def _is_start(line: str) -> bool:
    return bool(_opening(line, "starts")) or line[:1].isdigit() or "/" in line or ":" in line[:-2]


def _goes_back(lines: Sequence[str], start: int) -> bool:
    """Whether the attribution began in the line above, which the program broke: "…, 23 Kas 2026 Pzt,"."""
    line = lines[start]
    if start == 0 or _opening(line, "starts"):
        return False
    before = lines[start - 1]
    if not 30 <= len(before) <= 300 or before[-1] in ".!?" or before[0] == ">":
        return False
    if _opening(before, "starts") and max_digits(before):
        return True
    whole = max_digits(line) >= 8 and line.count("<") == line.count(">")
    return not whole and ("@" in before or max_digits(before) >= 3)


def before_attribution(line: str) -> str:
    """Own words that a program left on the line of an attribution: "Ja, ik kom. Op 23 nov. 2026 schreef ...:"."""
    for mark in (". ", "! ", "? "):
        head, _, rest = line.partition(mark)
        if rest and not max_digits(head) and not _opening(head, "starts") and _opening(rest, "starts"):
            return f"{head}{mark[0]}"
    return ""


def is_dated(line: str) -> bool:
    """Whether a line says when or where from, and not only that somebody wrote."""
    return "@" in line or max_digits(line) >= 3


def is_signed_date(line: str) -> bool:
    """Who and when without a word for writing, as right above a quote: "An" an@a.example – 3 november 2026 10:12."""
    if len(line) >= 200 or "@" not in line or max_digits(line) < 6:
        return False
    years = (word for word in _words(line) if len(word) == 4 and word.startswith("20") and word.isdigit())
    return any(years) and not speaks_for_itself(line)


def header_block_length(lines: Sequence[str], at: int, trusted: bool = True) -> int:
    """How many lines from `at` are the header of a mail: three known fields, one of them From; 0 if they are not.

    Without `trusted` nothing stands above it, and it may be a form that the author filled in: an address or a time
    of day has to show that a program wrote it.
    """
    if field(lines[at]) is None:
        return 0
    names, end = _fields(lines, at)
    if len(names) < 3 or names.isdisjoint(_phrases("senders")):
        return 0
    block = lines[at:end]
    if not trusted and not any("@" in line or line.count(":") >= 2 for line in block):
        return 0
    return end - at


def _fields(lines: Sequence[str], at: int) -> tuple[set[str], int]:
    """(names of the fields, line after the block); an empty line, or three lines of a long value, may stand between."""
    names: set[str] = set()
    end, loose = at, 0
    for here in range(at, min(len(lines), at + 24)):
        name = field(lines[here])
        if name is not None:
            names.add(name)
            end, loose = here + 1, 0
        elif loose == 3 or (lines[here] and here > end and not lines[here - 1]):
            break
        else:
            loose += 1
    return names, end


def field(line: str) -> str | None:
    """The folded name of a header field at the beginning of a line ("*Verzonden:* ..."), or None."""
    name, colon, _ = line[:40].partition(":")
    if not colon or not name:
        return None
    name = fold(name).strip(_UNSEEN)
    return name if name in _phrases("fields") else None


def looks_like_header(lines: Sequence[str], at: int) -> bool:
    """Whether the next lines are the header of a mail in any language: three short names with a value, an address."""
    shown = [line for line in lines[at : at + 12] if line][:4]
    named = [line for line in shown if 0 < line.find(":") < 25 and len(line.partition(":")[0].split()) <= 3]
    return len(named) >= 3 and (field(shown[0]) is not None or any("@" in line for line in shown))


def subject_kind(subject: str) -> str:
    """What the first mark of a subject says: "answer" (Re:), "forward" (Fwd:), or ""."""
    mark, colon, _ = subject[:20].partition(":")
    if not colon:
        return ""
    name = fold(mark).strip().rstrip("0123456789[]()^ ")
    return "answer" if name in _phrases("answers") else "forward" if name in _phrases("passed") else ""


def is_absence_subject(subject: str) -> bool:
    """A subject that begins as automatic answers do: "Automatisch antwoord: ..."; "Re: out of office" is none."""
    return bool(_opening(subject.lstrip(" [("), "absent"))
