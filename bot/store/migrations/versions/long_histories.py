"""What is asked for each run, and by the minute, costs the same however many runs there were before."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_index(op.f("ix_runs_state"), "runs")
    op.create_index(op.f("ix_runs_state_ended_at"), "runs", ["state", "ended_at"])
    op.create_index(op.f("ix_runs_repository_accepted_at"), "runs", ["repository", "accepted_at"])
    op.drop_index(op.f("ix_runs_repository_pull_request"), "runs")
    op.create_index(
        op.f("ix_runs_repository_pull_request_accepted_at_id"),
        "runs",
        ["repository", "pull_request", "accepted_at", "id"],
    )
