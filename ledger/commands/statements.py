"""Ask for a statement by mail, issue one as a file, and note what became of it."""

from datetime import UTC, datetime, timedelta

from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Message, new_receipt
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.core.rules import nairobi_day
from ledger.core.statements import STATEMENTS_PER_DAY_MAX, IssuedStatement, Period
from ledger.db import audit, issued_statements, outbox, users
from ledger.db.engine import Connection, Database
from ledger.db.issued_statements import NewStatement

_LEASE = timedelta(minutes=15)


def request_statement(
    database: Database,
    context: Context,
    user_id: int,
    period: Period,
    *,
    source: str,
    reference: str,
    file_format: str = "pdf",
) -> IssuedStatement | Refusal:
    """Queue a customer's statement for the confirmed mail address; a few a Nairobi day.

    The same source and reference again answers with the first statement. The caller rings
    the task that sends statements.
    """

    def work(connection: Connection) -> IssuedStatement | Refusal:
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        issued_statements.lock_customer(connection, user_id)
        earlier = issued_statements.find_by_source(connection, source, reference)
        if earlier is not None:
            return _same_request(earlier, period, file_format)
        today = nairobi_day(datetime.now(UTC))
        mailed = issued_statements.count_mailed_since(
            connection, user_id, Period(today, today).start
        )
        refusal = _refuse(user, mailed)
        if refusal is not None:
            return refusal
        issued = issued_statements.insert(
            connection,
            context,
            NewStatement(
                user_id=user_id,
                account_id=user.wallet_account_id,
                period=period,
                reference=new_receipt(),
                format=file_format,
                language=user.language,
                state="queued",
                recipient=user.email,
                source=source,
                source_reference=reference,
            ),
        )
        assert issued is not None
        _audit(connection, "statement.requested", issued)
        return issued

    return database.run(context, work)


def _same_request(
    earlier: IssuedStatement, period: Period, file_format: str
) -> IssuedStatement | Refusal:
    if earlier.period != period:
        return Refusal(RefusalCode.KEY_REUSED, {"field": "period"})
    if earlier.format != file_format:
        return Refusal(RefusalCode.KEY_REUSED, {"field": "format"})
    return earlier


def _refuse(user: User, mailed: int) -> Refusal | None:
    confirmed = user.email is not None and user.email_confirmed_at is not None
    return first(
        (
            Refusal(RefusalCode.USER_CLOSED) if user.status != "active" else None,
            None if confirmed else Refusal(RefusalCode.EMAIL_UNCONFIRMED),
            Refusal(RefusalCode.STATEMENTS_TODAY, {"maximum": STATEMENTS_PER_DAY_MAX})
            if mailed >= STATEMENTS_PER_DAY_MAX
            else None,
        )
    )


def issue_statement(
    database: Database,
    context: Context,
    *,
    user_id: int | None,
    account_id: int,
    period: Period,
    file_format: str,
    language: str,
) -> IssuedStatement:
    """Give a statement that is about to be made a reference; nothing is mailed."""
    reference = new_receipt()

    def work(connection: Connection) -> IssuedStatement:
        issued = issued_statements.insert(
            connection,
            context,
            NewStatement(
                user_id=user_id,
                account_id=account_id,
                period=period,
                reference=reference,
                format=file_format,
                language=language,
                state="issued",
                recipient=None,
                source=f"download:{context.channel}",
                source_reference=reference,
            ),
        )
        assert issued is not None
        _audit(connection, "statement.issued", issued)
        return issued

    return database.run(context, work)


def record_file(
    database: Database,
    context: Context,
    issued: IssuedStatement,
    *,
    digest: bytes,
    entries_digest: bytes,
    lines: int,
) -> None:
    """Note a file's SHA-256 before anybody gets the file, so that it can be verified."""
    database.run(
        context,
        lambda connection: issued_statements.add_file(
            connection, issued, digest=digest, entries_digest=entries_digest, lines=lines
        ),
    )


def claim_mail(database: Database, context: Context) -> tuple[IssuedStatement, bool] | None:
    """Take the next statement to mail, for fifteen minutes, and say whether it may be out."""
    return database.run(context, lambda connection: issued_statements.claim(connection, _LEASE))


def mail_accepted(
    database: Database, context: Context, issued: IssuedStatement, masked_address: str
) -> None:
    """Note that the mail server has a statement and tell the customer by SMS."""

    def work(connection: Connection) -> None:
        issued_statements.mark_sent(connection, issued.id)
        _tell(connection, issued, "statement_sent", masked_address)

    database.run(context, work)


def mail_failed(
    database: Database,
    context: Context,
    issued: IssuedStatement,
    masked_address: str,
    reason: str,
    wait: timedelta | None,
) -> None:
    """Try a statement again after ``wait``, or give it up and tell the customer."""

    def work(connection: Connection) -> None:
        if wait is not None:
            issued_statements.put_back(connection, issued.id, wait, reason)
            return
        issued_statements.mark_failed(connection, issued.id, reason)
        _tell(connection, issued, "statement_failed", masked_address)

    database.run(context, work)


def mail_unknown(
    database: Database,
    context: Context,
    issued: IssuedStatement,
    masked_address: str,
    reason: str,
) -> None:
    """Give up a statement that may have arrived, so that none comes twice; the customer knows."""

    def work(connection: Connection) -> None:
        issued_statements.mark_failed(connection, issued.id, f"may have arrived: {reason}")
        _tell(connection, issued, "statement_unsure", masked_address)

    database.run(context, work)


def _tell(
    connection: Connection, issued: IssuedStatement, template: str, masked_address: str
) -> None:
    user = None if issued.user_id is None else users.get(connection, issued.user_id)
    if user is None:
        return
    params: dict[str, int | str] = {
        "email": masked_address,
        "first_day": issued.period.first_day.isoformat(),
        "last_day": issued.period.last_day.isoformat(),
    }
    outbox.put(connection, Message(user.id, user.msisdn, user.language, template, params))


def _audit(connection: Connection, action: str, issued: IssuedStatement) -> None:
    audit.record(
        connection,
        action,
        "statement",
        issued.id,
        new={
            "account": issued.account_id,
            "first_day": issued.period.first_day.isoformat(),
            "last_day": issued.period.last_day.isoformat(),
            "format": issued.format,
        },
    )
