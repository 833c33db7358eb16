"""What somebody who owns the tables may do to them, and what `cycle verify` must say then.

In statements and keys stand ids of `test_verify.Books`: wallets {jane} and {john}, {john_user},
transactions {first}, {sent} (Jane to John) and {hold} (of the payment {held}), and audit rows
{sent_audit} and {unsealed}.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Corruption:
    """A change, and the finding that must be among those of verify."""

    name: str
    statement: str
    table: str
    key: str
    problem: str
    """How the problem begins."""
