"""SQL of limits and tariffs: dated rows, the newest that is valid wins."""

from datetime import date, datetime

from ledger.core.rules import Limit, Rules
from ledger.db.engine import Connection


def load(connection: Connection, at: datetime) -> Rules:
    """Return the limits and tariffs in force at a moment."""
    limits = connection.execute(
        "SELECT DISTINCT ON (kind) kind, minimum, maximum, daily FROM limit_rules"
        " WHERE valid_from <= %s ORDER BY kind, valid_from DESC",
        (at,),
    ).fetchall()
    bands = connection.execute(
        "SELECT kind, up_to, fee FROM tariff_bands AS t WHERE valid_from ="
        " (SELECT max(valid_from) FROM tariff_bands WHERE kind = t.kind AND valid_from <= %s)"
        " ORDER BY kind, up_to",
        (at,),
    ).fetchall()
    by_kind: dict[str, tuple[tuple[int, int], ...]] = {}
    for band in bands:
        by_kind[band["kind"]] = (*by_kind.get(band["kind"], ()), (band["up_to"], band["fee"]))
    found = {
        row["kind"]: Limit(minimum=row["minimum"], maximum=row["maximum"], daily=row["daily"])
        for row in limits
    }
    return Rules(
        limits={kind: limit for kind, limit in found.items() if kind != "wallet"},
        wallet_maximum=found["wallet"].maximum,
        bands=by_kind,
    )


def set_limit(
    connection: Connection, kind: str, limit: Limit, *, valid_from: datetime, set_by: str
) -> None:
    """Add a limit that holds from a moment on; earlier rows stay as they were."""
    connection.execute(
        "INSERT INTO limit_rules (kind, valid_from, minimum, maximum, daily, set_by)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (kind, valid_from, limit.minimum, limit.maximum, limit.daily, set_by),
    )


def set_tariff(
    connection: Connection,
    kind: str,
    bands: list[tuple[int, int]],
    *,
    valid_from: datetime,
    set_by: str,
) -> None:
    """Add a whole tariff, (up to cents, fee cents) pairs, that holds from a moment on."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tariff_bands (kind, valid_from, up_to, fee, set_by)"
            " VALUES (%s, %s, %s, %s, %s)",
            [(kind, valid_from, up_to, fee, set_by) for up_to, fee in bands],
        )


def usage(connection: Connection, account_id: int, day: date) -> dict[str, int]:
    """Return the cents moved so far on a Nairobi day, by kind."""
    rows = connection.execute(
        "SELECT kind, amount FROM daily_usage WHERE account_id = %s AND day = %s",
        (account_id, day),
    ).fetchall()
    return {row["kind"]: row["amount"] for row in rows}
