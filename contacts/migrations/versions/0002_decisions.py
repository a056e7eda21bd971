"""What a coordinator can decide with one word: keys of the links, examples of decisions, and the days of the digest."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables, and three columns for `request`: plainly added, so that SQLite rebuilds no table."""
    op.add_column("request", sa.Column("thread", sa.String(length=16), nullable=False, server_default="none"))
    op.add_column("request", sa.Column("outline", sa.Text(), nullable=True))
    op.add_column("request", sa.Column("decision", sa.String(length=16), nullable=True))
    op.create_table(
        "decision_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("coordinator_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["coordinator_id"], ["coordinator.id"], name=op.f("fk_decision_key_coordinator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_decision_key_request_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_key")),
        sa.UniqueConstraint("key", name=op.f("uq_decision_key_key")),
        sa.UniqueConstraint("request_id", "coordinator_id", name=op.f("uq_decision_key_request_id_coordinator_id")),
    )
    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("day", name=op.f("uq_digest_day")),
    )
    op.create_table(
        "example",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outline", sa.Text(), nullable=False),
        sa.Column("thread", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("guessed", sa.JSON(), nullable=False),
        sa.Column("decided", sa.JSON(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_example")),
    )
