"""Indexes for what is asked of the outbox before every answer: who was written to lately, and how much of a kind."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two indexes; no row changes."""
    op.create_index("ix_outbox_kind_created_at", "outbox", ["kind", "created_at"])
    op.create_index("ix_outbox_written_to", "outbox", [sa.text("lower(recipient)"), "kind", "created_at"])
