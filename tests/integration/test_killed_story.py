"""Two seeds of the story with kills; `./run faults` plays as many as one likes."""

from pathlib import Path

import pytest

from tests.integration.killed_story import LETTERS, tell

CONNECTIONS = 10  # at most so many letters are in flight when the daemon dies


@pytest.mark.timeout(300)
@pytest.mark.conf("REL-01", "REL-02", "REL-03", "REL-04")
@pytest.mark.parametrize("seed", [1, 2])
def test_the_story_comes_true_whenever_the_daemon_dies(tmp_path: Path, seed: int) -> None:
    told = tell(tmp_path, seed)
    assert told.kills >= 3
    assert told.letters == LETTERS
    # Only a letter that died between its final dot and the relay's answer may come twice, with the same Message-ID.
    assert told.repeated <= told.kills * CONNECTIONS
    assert len(told.doubtful) <= told.kills * CONNECTIONS
