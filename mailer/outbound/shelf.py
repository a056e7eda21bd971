"""What was read from folders of templates, kept until a file in them changes: a letter need not read them all again."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

_Read = TypeVar("_Read")
#: Of each file its name, when it was written (ns), its length, and its number on the disk.
Stamp = tuple[tuple[str, int, int, int], ...]


class Shelf:
    """Folders as they were read last; safe to use from several threads, of which two may read the same at once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Path], tuple[Stamp, Any]] = {}

    def read(self, folder: Path, what: str, how: Callable[[Path], _Read]) -> _Read:
        """What `how` makes of the folder, called again only when a file in it is another one; `what` tells two apart.

        Looked at before it is read: what is written at that moment is read once more the next time.
        """
        now = stamp(folder)
        kept = self._kept.get((what, folder))
        if kept is not None and kept[0] == now:
            found: _Read = kept[1]
            return found
        made = how(folder)
        self._kept[what, folder] = (now, made)
        return made


def stamp(folder: Path) -> Stamp:
    """How the files of a folder and of the folders in it look from outside; nothing for one that is not there."""
    found = list(_seen(folder))
    for name in sorted(one.name for one in _entries(folder) if one.is_dir()):
        found += [(f"{name}/{one[0]}", *one[1:]) for one in _seen(folder / name)]
    return tuple(found)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _seen(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for entry in sorted(_entries(folder), key=lambda entry: entry.name):
        try:
            seen = entry.stat()
        except OSError:  # a link to nowhere, as some editors leave them while they have a file open
            continue
        yield entry.name, seen.st_mtime_ns, seen.st_size, seen.st_ino
