"""What the folders of the mailbox are really called, for whoever tells a coordinator where a mail lies.

Only the mailbox knows, for it may have them under an older name; what it said last stands in a small file.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jobs.app import App
from mailer.inbound.folders import key

_FILE = "folders.json"


def note(app: App, names: Mapping[str, str]) -> None:
    """Keep what the mailbox calls its folders, by disposition."""
    if _noted(app.data_dir) != names:
        fresh = app.data_dir / f"{_FILE}.new"
        fresh.write_text(json.dumps(dict(names), ensure_ascii=False), encoding="utf-8")
        os.replace(fresh, app.data_dir / _FILE)  # noqa: PTH105 - atomic, so that a reader never finds half a line


def folder_name(app: App, disposition: str) -> str:
    """The folder of a disposition as people see it; before the mailbox was ever opened, as it will be called."""
    names, noted = app.config.folders[disposition], _noted(app.data_dir).get(disposition)
    if isinstance(noted, str) and key(noted) in {key(name) for name in names}:
        return noted
    return names[0]


def folder_names(app: App) -> dict[str, str]:
    """The folders of all dispositions."""
    return {disposition: folder_name(app, disposition) for disposition in app.config.folders}


def _noted(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
