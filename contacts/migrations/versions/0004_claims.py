"""What the outbox claims in batches: the Date of a letter in a column of its own, and indexes of what is not ended."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column, plainly added; an index over all states goes, three over the few rows that are not ended come."""
    op.add_column("outbox", sa.Column("dated_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_outbox_due", "outbox")
    op.drop_index("ix_outbox_issue_id", "outbox")  # the unique pair of issue and member begins with it
    _partial("ix_outbox_due", ["issue_id", "next_attempt_at", "id"], "state = 'queued'")
    _partial("ix_outbox_owner", ["owner"], "owner IS NOT NULL")
    _partial("ix_outbox_doubt", ["id"], "state = 'in_doubt'")


def _partial(name: str, columns: list[str], where: str) -> None:
    op.create_index(name, "outbox", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
