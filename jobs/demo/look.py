"""What the demo reads in the network's database, to check its story and to show the end of it."""

from pathlib import Path

from contacts import agenda, roster
from contacts.database import Database, connect
from jobs.config import load
from mailer.outbound import outbox


def _open(env_file: Path) -> Database:
    return connect(load(env_file, {}).database_url)


def member_states(env_file: Path) -> dict[str, str]:
    """The state of every member by address."""
    database = _open(env_file)
    try:
        with database.read() as session:
            return {member.address: member.state for member in roster.everyone(session)}
    finally:
        database.close()


def letters_in_doubt(env_file: Path) -> list[int]:
    """The numbers of the letters on which somebody has to decide."""
    database = _open(env_file)
    try:
        with database.read() as session:
            return [row.id for row in outbox.rows(session, outbox.IN_DOUBT)]
    finally:
        database.close()


def answers(env_file: Path) -> dict[str, tuple[str, int]]:
    """The answer and the guests of everybody who answered an invitation, by address."""
    database = _open(env_file)
    try:
        with database.read() as session:
            found = [row for meeting in agenda.everything(session) for row in agenda.invitations(session, meeting)]
            return {row.member.address: (row.answer, row.guests) for row in found if row.answer}
    finally:
        database.close()
