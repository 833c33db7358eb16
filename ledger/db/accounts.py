"""SQL of accounts: statuses and balances."""

from datetime import datetime

from ledger.core.chart import SystemAccount
from ledger.db.engine import Connection


def set_status(connection: Connection, account_id: int, status: str) -> tuple[str | None, str]:
    """Freeze, unfreeze or close a wallet.

    Returns its old status, and ``done`` or a refusal's code.
    """
    row = connection.execute(
        "SELECT old_status, outcome FROM public.set_account_status(%s, %s)", (account_id, status)
    ).fetchone()
    assert row is not None
    return row["old_status"], row["outcome"]


def has_open_payment(connection: Connection, user_id: int) -> bool:
    """Tell whether M-Pesa still owes an answer about one of a customer's payments."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM payments WHERE user_id = %s"
        " AND state IN ('created', 'submitting', 'pending', 'unknown')) AS found",
        (user_id,),
    ).fetchone()
    return row is not None and bool(row["found"])


def wallet_balance(connection: Connection, user_id: int) -> int | None:
    """Return the cents in a customer's wallet, or None without one."""
    row = connection.execute(
        "SELECT balance FROM accounts WHERE user_id = %s AND code = 'USER_WALLET'", (user_id,)
    ).fetchone()
    return None if row is None else row["balance"]


def system_balances(connection: Connection) -> dict[SystemAccount, int]:
    """Return the exact balance of each system account in cents, on its normal side.

    The checkpoint and the deltas that wait are read in one statement, so in one snapshot.
    """
    rows = connection.execute(
        "SELECT a.id, (c.debits_less_credits + coalesce((SELECT sum(d.debits_less_credits)"
        "  FROM balance_deltas AS d WHERE d.account_id = a.id), 0)) * CASE a.normal_side WHEN 'D'"
        " THEN 1 ELSE -1 END AS balance"
        " FROM accounts AS a JOIN balance_checkpoints AS c ON c.account_id = a.id ORDER BY a.id"
    ).fetchall()
    return {SystemAccount(row["id"]): int(row["balance"]) for row in rows}


def wallets_total(connection: Connection) -> int:
    """Return the cents in all wallets together."""
    row = connection.execute(
        "SELECT coalesce(sum(balance), 0)::bigint AS total FROM accounts WHERE id >= 1000"
    ).fetchone()
    assert row is not None
    total: int = row["total"]
    return total


def wallet_balance_at(connection: Connection, account_id: int, moment: datetime) -> int:
    """Return the cents in a wallet just after the last posting up to a moment."""
    row = connection.execute(
        "SELECT balance_after FROM postings WHERE account_id = %s AND posted_at <= %s"
        " ORDER BY posted_at DESC, transaction_id DESC LIMIT 1",
        (account_id, moment),
    ).fetchone()
    return 0 if row is None else row["balance_after"]
