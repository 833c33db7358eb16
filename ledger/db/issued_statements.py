"""SQL of statements under their references: requested, made, mailed, verified."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import sql
from psycopg.rows import tuple_row

from ledger.core.context import Context
from ledger.core.statements import IssuedStatement, Period
from ledger.db.engine import Connection

_COLUMNS = sql.SQL(
    "id, user_id, account_id, first_day, last_day, reference, format, language, recipient,"
    " attempts, created_at"
)


@dataclass(frozen=True, slots=True)
class NewStatement:
    """What is inserted; ``state`` is ``issued`` for a download, ``queued`` for mail."""

    user_id: int | None
    account_id: int
    period: Period
    reference: str
    format: str
    language: str
    state: str
    recipient: str | None
    source: str
    source_reference: str


def _read(row: tuple[object, ...]) -> IssuedStatement:
    found = list(row)
    found[3:5] = [Period(*found[3:5])]  # type: ignore[arg-type]  # two dates
    return IssuedStatement(*found)  # type: ignore[arg-type]  # the columns above


def insert(connection: Connection, context: Context, new: NewStatement) -> IssuedStatement | None:
    """Insert a statement; None when its source and reference are taken."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            sql.SQL(
                "INSERT INTO statements (user_id, account_id, first_day, last_day, reference,"
                " format, language, state, recipient, due_at, actor, channel, source,"
                " source_reference) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s,"
                " CASE WHEN %s = 'queued' THEN now() END, %s, %s, %s, %s)"
                " ON CONFLICT (source, source_reference) DO NOTHING RETURNING {}"
            ).format(_COLUMNS),
            (
                new.user_id,
                new.account_id,
                new.period.first_day,
                new.period.last_day,
                new.reference,
                new.format,
                new.language,
                new.state,
                new.recipient,
                new.state,
                context.actor,
                context.channel,
                new.source,
                new.source_reference,
            ),
        ).fetchone()
    return None if row is None else _read(row)


def find_by_source(
    connection: Connection, source: str, source_reference: str
) -> IssuedStatement | None:
    """Return the statement that an earlier request with the same key made."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            sql.SQL("SELECT {} FROM statements WHERE source = %s AND source_reference = %s").format(
                _COLUMNS
            ),
            (source, source_reference),
        ).fetchone()
    return None if row is None else _read(row)


def lock_customer(connection: Connection, user_id: int) -> None:
    """Let one request of a customer count at a time."""
    connection.execute("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", (user_id,))


def count_mailed_since(connection: Connection, user_id: int, moment: datetime) -> int:
    """Return how many statements a customer has had mailed since a moment, failures left out."""
    row = connection.execute(
        "SELECT count(*) AS mailed FROM statements WHERE user_id = %s AND created_at >= %s"
        " AND state IN ('queued', 'sending', 'sent')",
        (user_id, moment),
    ).fetchone()
    assert row is not None
    return int(row["mailed"])


def claim(connection: Connection, lease: timedelta) -> tuple[IssuedStatement, bool] | None:
    """Take the next statement that is to be mailed; after the lease another worker may.

    The second value says that a worker was lost after it had made the file, so that the mail
    may be out.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            sql.SQL(
                "WITH next AS (SELECT id AS next_id, state = 'sending' AND EXISTS ("
                "  SELECT FROM statement_files AS f WHERE f.statement_id = s.id"
                "  AND f.created_at > s.due_at - %(lease)s) AS perhaps_out"
                " FROM statements AS s WHERE state IN ('queued', 'sending') AND due_at <= now()"
                " ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)"
                " UPDATE statements SET state = 'sending', attempts = attempts + 1,"
                " due_at = now() + %(lease)s FROM next WHERE id = next_id"
                " RETURNING {}, perhaps_out"
            ).format(_COLUMNS),
            {"lease": lease},
        ).fetchone()
    return None if row is None else (_read(row[:-1]), bool(row[-1]))


def put_back(connection: Connection, statement_id: int, wait: timedelta, reason: str) -> None:
    """Try a statement again later."""
    connection.execute(
        "UPDATE statements SET state = 'queued', due_at = now() + %s, failure_reason = %s"
        " WHERE id = %s",
        (wait, reason, statement_id),
    )


def mark_sent(connection: Connection, statement_id: int) -> None:
    """Note that the mail server has a statement."""
    connection.execute(
        "UPDATE statements SET state = 'sent', sent_at = now(), due_at = NULL,"
        " failure_reason = NULL WHERE id = %s",
        (statement_id,),
    )


def mark_failed(connection: Connection, statement_id: int, reason: str) -> None:
    """Give a statement up."""
    connection.execute(
        "UPDATE statements SET state = 'failed', due_at = NULL, failure_reason = %s WHERE id = %s",
        (reason, statement_id),
    )


def add_file(
    connection: Connection,
    issued: IssuedStatement,
    *,
    digest: bytes,
    entries_digest: bytes,
    lines: int,
) -> None:
    """Note a file by the SHA-256 of its bytes, before anybody gets it."""
    connection.execute(
        "INSERT INTO statement_files (statement_id, user_id, digest, entries_digest, line_count)"
        " VALUES (%s, %s, %s, %s, %s)",
        (issued.id, issued.user_id, digest, entries_digest, lines),
    )


def reference_of_file(connection: Connection, digest: bytes) -> str | None:
    """Return the reference of the statement whose file has this SHA-256."""
    row = connection.execute(
        "SELECT s.reference FROM statement_files AS f JOIN statements AS s ON s.id = f.statement_id"
        " WHERE f.digest = %s LIMIT 1",
        (digest,),
    ).fetchone()
    return None if row is None else row["reference"]


def issued_at(connection: Connection, reference: str) -> datetime | None:
    """Return when the first file of a statement was made; None for an unknown reference."""
    row = connection.execute(
        "SELECT min(f.created_at) AS at FROM statement_files AS f"
        " JOIN statements AS s ON s.id = f.statement_id WHERE s.reference = %s",
        (reference,),
    ).fetchone()
    return None if row is None else row["at"]
