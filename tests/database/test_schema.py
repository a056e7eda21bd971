"""The migrations make exactly the tables that the classes describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import contacts.consent
import contacts.coordinator
import contacts.meeting
import mailer.inbound.register
import mailer.outbound.outbox
from contacts import migrate
from contacts.database import Base, Database
from contacts.errors import RuleBroken

MAPPED = (contacts.consent, contacts.coordinator, contacts.meeting, mailer.inbound.register, mailer.outbound.outbox)


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # SQLite cannot tell of them; see the test below
def test_migrated_and_mapped_are_the_same(database: Database) -> None:
    assert MAPPED
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_the_caps_are_looked_up_by_their_indexes(database: Database) -> None:
    if not database.is_sqlite:
        return  # PostgreSQL reads so small a table whole
    with database.read() as session:
        plans = [
            str(session.execute(text(f"EXPLAIN QUERY PLAN SELECT count(*) FROM outbox WHERE {where}")).all())
            for where in ("lower(recipient) = 'a' AND kind IN ('b', 'c') AND created_at > 0",
                          "kind IN ('b') AND created_at > 0")
        ]  # fmt: skip
    assert "ix_outbox_written_to" in plans[0]
    assert "ix_outbox_kind_created_at" in plans[1]


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    migrate.upgrade(database)
    assert migrate.current(database) == migrate.head()
    assert migrate.check(database) is None


@pytest.mark.conf("REL-64")
def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(RuleBroken) as broken:
        migrate.upgrade(database)
    assert broken.value.code == "newer"


@pytest.mark.conf("REL-60")
def test_sqlite_is_set_up_to_lose_nothing(database: Database) -> None:
    if not database.is_sqlite:
        return
    with database.read() as session:
        connection = session.connection()
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
