"""How an exception ends a command: the lines to say, and the exit code."""

import errno
import traceback

from contacts.errors import ServiceError

NO, BAD_CONFIGURATION = 1, 78


def told(error: Exception) -> tuple[list[str], int]:
    """The lines for a person and the exit code; raises a broken pipe on, for click ends that in silence.

    An error nobody expected is shown as the places it came through, without its words: they could name people.
    """
    from jobs.config import ConfigError

    if isinstance(error, ConfigError):
        return ["The configuration cannot be used:", *(f"  {problem}" for problem in error.problems)], BAD_CONFIGURATION
    if isinstance(error, ServiceError):
        return [str(error)], NO
    if isinstance(error, OSError):
        return _of_the_system(error), NO
    return _of_the_database(error) or (_unexpected(error), NO)


def _of_the_system(error: OSError) -> list[str]:
    if error.errno == errno.EPIPE:
        raise error
    return [f"{error.filename or 'the system'}: {error.strerror or type(error).__name__}"]


def _of_the_database(error: Exception) -> tuple[list[str], int] | None:
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

    if isinstance(error, OperationalError):
        reason = str(error.orig).strip().partition("\n")[0]
        return [f"The database cannot be used: {reason}"], NO
    if isinstance(error, ArgumentError | NoSuchModuleError):
        return ["DATABASE_URL: no database can be found at what it says"], BAD_CONFIGURATION
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("psycopg"):
        return ["DATABASE_URL: PostgreSQL needs one more package: pip install 'verbinden[postgres]'"], BAD_CONFIGURATION
    return None


def _unexpected(error: Exception) -> list[str]:
    places = traceback.extract_tb(error.__traceback__)
    return [
        f"An error in the program ({type(error).__name__}). Please report it with these lines:",
        *(f"  {place.filename}:{place.lineno} in {place.name}" for place in places[-8:]),
    ]
