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


def fold(text: str) -> str:
    """`text` without case, accents and spelling variants: "Ingeschréven" → "ingeschreven", "أريد" → "اريد"."""
    if text.isascii():
        return text.lower()
    # Spanish "sí" (yes) and "si" (if) would become one word.
    spelled = " ".join("sii" if word.strip(",.!¡") == "sí" else word for word in text.casefold().split(" "))
    spelled = spelled.translate(_SAME)
    return "".join(char for char in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(char))
