"""One spelling for comparing words: no case, no accents, no Arabic vowel signs; the same for patterns and for mails."""

import unicodedata

_SAME = str.maketrans(
    {
        "ı": "i",
        "’": "'",
        "‘": "'",
        "´": "'",
        "`": "'",
        "ʼ": "'",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ة": "ه",
        "ـ": None,
        "œ": "oe",
        "æ": "ae",
        "ø": "o",
        "ł": "l",
        "\u200b": None,
        "\u200e": None,
        "\u200f": None,
        "\u00ad": None,
    }
)


class _Folded(dict[int, str]):
    """What each character becomes, worked out when it is first seen."""

    def __missing__(self, code: int) -> str:
        spelled = unicodedata.normalize("NFKD", chr(code).casefold().translate(_SAME))
        self[code] = found = "".join(char for char in spelled if not unicodedata.combining(char))
        return found


_FOLDED = _Folded()


def fold(text: str) -> str:
    """`text` without case, accents and spelling variants: "Ingeschréven" → "ingeschreven", "أريد" → "اريد"."""
    if text.isascii():
        return text.lower()
    if "í" in text or "Í" in text:  # Spanish "sí" (yes) and "si" (if) would become one word
        text = " ".join("sii" if word.casefold().strip(",.!¡") == "sí" else word for word in text.split(" "))
    return text.translate(_FOLDED)
