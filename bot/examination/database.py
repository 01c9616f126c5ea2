"""Whether a PostgreSQL can be used. Looks; changes nothing."""

from sqlalchemy.exc import SQLAlchemyError

from automation.errors import Misconfigured
from bot.examination.finding import Finding, fine, wrong
from bot.settings import DATABASE_URL, BotSettings
from bot.store import postgresql
from bot.store.database import url_of

CAN_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"


async def postgresql_finding(settings: BotSettings) -> Finding:
    """The database that replicas share."""
    name = settings.database_name
    try:
        engine = postgresql.engine_of(url_of(settings.database_url))
    except Misconfigured as error:
        return wrong("database", error.sentence)
    try:
        async with engine.connect() as connection:
            may_create = (await connection.exec_driver_sql(CAN_CREATE)).scalar_one()
    except SQLAlchemyError as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        return wrong("database", f"{name} does not answer ({said})", f"put {DATABASE_URL} right")
    finally:
        await engine.dispose()
    if not may_create:
        return wrong("database", f"the user may not make tables in {name}", "make it the database's owner")
    return fine("database", f"{name} answers, and tables can be made there")
