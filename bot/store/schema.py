"""The tables. Pure data; `migrations` makes them, and a test sees to it that both agree.

Times are Unix times in seconds. Text that is not known is empty, so that it can be compared; NULL is left to
what refers to another row, and to the number of a pull request, which a run may do without.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows up only in a column that is called INTEGER; GitHub's ids need 64 bits elsewhere."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("installation", NUMBER, nullable=False),
    Column("received_at", Float, nullable=False),
    Index(None, "received_at"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("delivery", Text, ForeignKey(deliveries.c.guid), nullable=False, unique=True),
    Column("event", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("note", Text, nullable=False),
    Column("received_at", Float, nullable=False),
    Index(None, "state", "lane"),
    Index(None, "repository", "sender", "received_at"),
    Index(None, "received_at"),
)
"""Those of one `lane` are dealt with one after the other, in the order in which they came."""

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request", NUMBER, ForeignKey(requests.c.id)),
    Column("repository", Text, nullable=False),
    Column("installation", NUMBER, nullable=False),
    Column("automation", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("definition_sha", Text, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("pull_request", NUMBER),
    Column("is_fork", Boolean, nullable=False),
    Column("actor", Text, nullable=False),
    Column("comment_id", NUMBER, nullable=False),
    Column("lane", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("retry_of", Text),
    Column("state", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("check_id", NUMBER, nullable=False),
    Column("is_ordered", Boolean, nullable=False),
    Column("stop_by", Text, nullable=False),
    Column("stop_cause", Text, nullable=False),
    Column("accepted_at", Float, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("deadline", Float, nullable=False),
    Column("day", Integer, nullable=False),
    Column("conclusion", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("driver", Text, nullable=False, server_default=text("''")),
    UniqueConstraint("request", "automation"),
    Index(
        None,
        "comment_id",
        "automation",
        unique=True,
        sqlite_where=text("comment_id > 0"),
        postgresql_where=text("comment_id > 0"),
    ),
    Index(None, "state", "ended_at"),
    Index(None, "lane", "state"),
    Index(None, "repository", "accepted_at"),
    Index(None, "repository", "pull_request", "accepted_at", "id"),
    Index(None, "repository", "check_id"),
    Index(None, "accepted_at"),
    Index(None, "day"),
)
"""`day` is `accepted_at` in whole days, to be counted by; `conclusion` and `reason` are the end's, empty until
it is known; `detail` is JSON of all that nobody looks up by; `driver` is the replica that drives it, or did."""


def _of_run() -> Column[str]:
    return Column("run", Text, ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True)


events = Table(
    "events",
    metadata,
    _of_run(),
    Column("payload", LargeBinary, nullable=False),
)
"""What started a run, where that was no request."""

outputs = Table(
    "outputs",
    metadata,
    _of_run(),
    Column("head", LargeBinary, nullable=False),
    Column("tail", LargeBinary, nullable=False),
    Column("size", NUMBER, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    _of_run(),
    Column("name", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("automation", Text, primary_key=True),
    Column("comment_id", NUMBER, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("body_digest", Text, nullable=False),
)

replies = Table(
    "replies",
    metadata,
    Column("key", Text, primary_key=True),
    Column("comment_id", NUMBER, nullable=False),
    Column("at", Float, nullable=False),
)

definitions = Table(
    "definitions",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("sha", Text, primary_key=True),
    Column("found", Text, nullable=False),
    Column("at", Float, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

deeds = Table(
    "deeds",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Index(None, "at"),
)
"""What was done that nobody asked for."""

replicas = Table(
    "replicas",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seen_at", Float, nullable=False),
)
"""The processes that share this database, by the database's own clock."""

duties = Table(
    "duties",
    metadata,
    Column("name", Text, primary_key=True),
    Column("replica", Text, nullable=False),
)
"""What one replica does for all of them, and which one."""
