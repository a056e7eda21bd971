"""The pictures of a template folder: their type by content, their size in pixels, their Content-ID."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mailer.errors import TemplateError

MAX_BYTES = 300_000
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it lies in the folder; `path` is what a template writes ("images/winter.png"), sizes in pixels."""

    path: str
    type: str
    data: bytes
    width: int
    height: int

    @property
    def cid(self) -> str:
        """The same picture has the same Content-ID in every letter, which says nothing of its name."""
        return f"{sha256(self.data).hexdigest()[:20]}@images"


def load_pictures(folder: Path) -> dict[str, Picture]:
    """All pictures of `<folder>/images`, by the path that templates write; raises TemplateError for one unusable."""
    files = sorted((folder / "images").iterdir()) if (folder / "images").is_dir() else []
    pictures = (_picture(folder, file) for file in files if not file.name.startswith("."))
    return {picture.path: picture for picture in pictures}


def _picture(folder: Path, file: Path) -> Picture:
    name = f"{folder.name}/images/{file.name}"
    kind = _TYPES.get(file.suffix.lower())
    if kind is None or not file.is_file():
        raise TemplateError("only .png, .jpg and .gif pictures can travel in a mail", name)
    data = file.read_bytes()
    if len(data) > MAX_BYTES:
        raise TemplateError(f"the picture is {len(data) // 1000} kB; make it smaller than {MAX_BYTES // 1000} kB", name)
    size = _size(data, kind)
    if size is None:
        raise TemplateError(f"this is not a {kind.partition('/')[2].upper()} picture, whatever its name says", name)
    return Picture(f"images/{file.name}", kind, data, *size)


def _size(data: bytes, kind: str) -> tuple[int, int] | None:
    if kind == "image/png" and data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if kind == "image/gif" and data[:6] in (b"GIF87a", b"GIF89a"):
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if kind == "image/jpeg" and data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments to the frame header (ITU T.81 §B.2.2), which holds height and width."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
