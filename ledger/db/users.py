"""SQL of users and their PIN counters."""

from datetime import datetime

from psycopg.rows import args_row, class_row

from ledger.core.msisdn import daraja_hash, local_form
from ledger.core.parties import Party
from ledger.core.people import NewUser, User
from ledger.core.pins import PinState
from ledger.db.engine import Connection

_USER = """
    SELECT u.id, u.msisdn, u.first_name, u.last_name, u.language, u.status, u.email,
        u.email_pending, u.email_confirmed_at, u.pin_failures, u.pin_locked_until,
        u.pin_must_change, u.withdrawals_capped_until, u.sms_balance_enrolled,
        u.sms_opted_out_at, u.created_at,
        a.id AS wallet_account_id, a.number AS wallet_number, a.status AS wallet_status
    FROM users AS u JOIN accounts AS a ON a.user_id = u.id AND a.code = 'USER_WALLET'
"""


def find_by_msisdn(connection: Connection, msisdn: str) -> User | None:
    """Return the customer behind a stored-form number; works without a context."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute("SELECT * FROM public.find_customer(%s)", (msisdn,)).fetchone()


def find_msisdn_by_hash(connection: Connection, msisdn_hash: str) -> str | None:
    """Return the customer's number behind the SHA-256 by which C2B version 1 names a payer."""
    row = connection.execute(
        "SELECT msisdn FROM users WHERE msisdn_hash = %s", (msisdn_hash,)
    ).fetchone()
    return None if row is None else row["msisdn"]


def get(connection: Connection, user_id: int) -> User | None:
    """Return a customer by id."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(_USER + " WHERE u.id = %s", (user_id,)).fetchone()


def find_parties(
    connection: Connection, *, user_ids: list[int], msisdns: list[str]
) -> dict[str, Party]:
    """Return the sides of a movement by their numbers; works without a context."""
    with connection.cursor(row_factory=args_row(Party)) as cursor:
        rows = cursor.execute(
            "SELECT user_id, msisdn, first_name, last_name, language, status, wallet_account_id,"
            " wallet_status, balance, pin_must_change, withdrawals_capped_until, email"
            " FROM public.find_parties(%s::bigint[], %s::text[])",
            (f"{{{','.join(map(str, user_ids))}}}", msisdns),
        ).fetchall()
    return {party.msisdn: party for party in rows}


def insert(connection: Connection, new: NewUser, pin_hash: str) -> int | None:
    """Insert a customer with the wallet; None when the number is already registered."""
    row = connection.execute(
        "INSERT INTO users (msisdn, msisdn_hash, first_name, last_name, language, pin_hash,"
        " consent_version, consent_channel) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (msisdn) DO NOTHING RETURNING id",
        (
            new.msisdn,
            daraja_hash(new.msisdn),
            new.first_name,
            new.last_name,
            new.language,
            pin_hash,
            new.consent_version,
            new.channel,
        ),
    ).fetchone()
    if row is None:
        return None
    user_id: int = row["id"]
    connection.execute(
        "SELECT public.open_wallet(%s, %s, %s)",
        (user_id, wallet_number(new.msisdn), f"{new.first_name} {new.last_name}"),
    )
    return user_id


def wallet_number(msisdn: str) -> str:
    """Return the wallet number that a customer can tell a payer: ``W712345678``."""
    return "W" + local_form(msisdn)[1:]


def take_pin_try(connection: Connection, user_id: int) -> tuple[str, PinState]:
    """Lock a customer's PIN counters and return them with the stored hash.

    Raises LookupError when there is no such customer.
    """
    row = connection.execute(
        "SELECT pin_hash, pin_failures, pin_locked_until FROM users WHERE id = %s FOR UPDATE",
        (user_id,),
    ).fetchone()
    if row is None:
        raise LookupError(f"no user {user_id}")
    return row["pin_hash"], PinState(row["pin_failures"], row["pin_locked_until"])


def store_pin_state(connection: Connection, user_id: int, state: PinState) -> None:
    """Write a customer's PIN counters."""
    connection.execute(
        "UPDATE users SET pin_failures = %s, pin_locked_until = %s WHERE id = %s",
        (state.failures, state.locked_until, user_id),
    )


def store_pin(connection: Connection, user_id: int, pin_hash: str, *, must_change: bool) -> None:
    """Replace a customer's PIN and clear the counters."""
    connection.execute(
        "UPDATE users SET pin_hash = %s, pin_must_change = %s, pin_failures = 0,"
        " pin_locked_until = NULL WHERE id = %s",
        (pin_hash, must_change, user_id),
    )


def store_language(connection: Connection, user_id: int, language: str) -> None:
    """Write the language in which Cycle speaks to a customer."""
    connection.execute("UPDATE users SET language = %s WHERE id = %s", (language, user_id))


def store_status(connection: Connection, user_id: int, status: str) -> None:
    """Write a customer's status: active or closed."""
    connection.execute("UPDATE users SET status = %s WHERE id = %s", (status, user_id))


def cap_withdrawals(connection: Connection, user_id: int, until: datetime) -> None:
    """Cap a customer's withdrawals until a moment, as after a PIN reset."""
    connection.execute(
        "UPDATE users SET withdrawals_capped_until = %s WHERE id = %s", (until, user_id)
    )
