"""The chart of accounts: codes kept from the system that Cycle succeeds."""

from enum import IntEnum, StrEnum

FIRST_WALLET_ID = 1000


class SystemAccount(IntEnum):
    """The organisation's own accounts by their fixed ids, below those of wallets."""

    CASH = 1
    PENDING_WITHDRAWALS = 2
    SUSPENSE = 3
    REVENUE_FEES = 4
    EXPENSE_MPESA_CHARGES = 5
    EQUITY = 6


class Kind(StrEnum):
    """What a transaction is, as history and statements name it."""

    DEPOSIT = "deposit"
    WITHDRAWAL_HOLD = "withdrawal_hold"
    WITHDRAWAL_SETTLEMENT = "withdrawal_settlement"
    WITHDRAWAL_VOID = "withdrawal_void"
    TRANSFER = "transfer"
    SUSPENSE = "suspense"
    SUSPENSE_ALLOCATION = "suspense_allocation"
    DEPOSIT_REVERSAL_HOLD = "deposit_reversal_hold"
    DEPOSIT_REVERSAL_SETTLEMENT = "deposit_reversal_settlement"
    DEPOSIT_REVERSAL_VOID = "deposit_reversal_void"
    REVERSAL = "reversal"
