"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "comments",
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("automation", sa.Text(), nullable=False),
        sa.Column("comment_id", NUMBER, nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("body_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "number", "automation", name=op.f("pk_comments")),
    )
    op.create_table(
        "definitions",
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("sha", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "sha", name=op.f("pk_definitions")),
    )
    op.create_table(
        "deliveries",
        sa.Column("guid", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("installation", NUMBER, nullable=False),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("guid", name=op.f("pk_deliveries")),
    )
    op.create_index(op.f("ix_deliveries_received_at"), "deliveries", ["received_at"])
    op.create_table(
        "facts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.create_table(
        "replies",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("comment_id", NUMBER, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_replies")),
    )
    op.create_table(
        "requests",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.guid"], name=op.f("fk_requests_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("delivery", name=op.f("uq_requests_delivery")),
    )
    op.create_index(op.f("ix_requests_received_at"), "requests", ["received_at"])
    op.create_index(
        op.f("ix_requests_repository_sender_received_at"), "requests", ["repository", "sender", "received_at"]
    )
    op.create_index(op.f("ix_requests_state_lane"), "requests", ["state", "lane"])
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request", NUMBER, nullable=True),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("installation", NUMBER, nullable=False),
        sa.Column("automation", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition_sha", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("pull_request", NUMBER, nullable=True),
        sa.Column("is_fork", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("comment_id", NUMBER, nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("retry_of", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("check_id", NUMBER, nullable=False),
        sa.Column("is_ordered", sa.Boolean(), nullable=False),
        sa.Column("stop_by", sa.Text(), nullable=False),
        sa.Column("stop_cause", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=False),
        sa.Column("deadline", sa.Float(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_runs_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("request", "automation", name=op.f("uq_runs_request_automation")),
    )
    op.create_index(
        op.f("ix_runs_comment_id_automation"),
        "runs",
        ["comment_id", "automation"],
        unique=True,
        sqlite_where=sa.text("comment_id > 0"),
        postgresql_where=sa.text("comment_id > 0"),
    )
    op.create_index(op.f("ix_runs_accepted_at"), "runs", ["accepted_at"])
    op.create_index(op.f("ix_runs_day"), "runs", ["day"])
    op.create_index(op.f("ix_runs_lane_state"), "runs", ["lane", "state"])
    op.create_index(op.f("ix_runs_repository_check_id"), "runs", ["repository", "check_id"])
    op.create_index(op.f("ix_runs_repository_pull_request"), "runs", ["repository", "pull_request"])
    op.create_index(op.f("ix_runs_state"), "runs", ["state"])
    op.create_table(
        "events",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_events_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_events")),
    )
    op.create_table(
        "outputs",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("tail", sa.LargeBinary(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_outputs_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_outputs")),
    )
    op.create_table(
        "secrets",
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name=op.f("fk_secrets_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "name", name=op.f("pk_secrets")),
    )
