"""Every pair of commands at once: the outcome is that of one after the other."""

import pytest

from ledger.db.engine import Database
from ledger.queries.verify import verify_ledger
from tests.db.scene import Scene

COMMANDS = (
    "deposit",
    "send",
    "send_back",
    "withdraw",
    "settle",
    "release",
    "reverse",
    "allocate",
    "freeze",
    "unfreeze",
    "close",
    "register",
    "ask_deposit",
    "pay_in",
)


@pytest.mark.parametrize("first", COMMANDS)
def test_two_commands_at_once_end_as_one_after_the_other(
    own_database: Database, first: str
) -> None:
    for second in COMMANDS[COMMANDS.index(first) :]:
        raced = Scene(own_database).run(first, second, at_once=True)
        orders = [Scene(own_database).run(first, second, at_once=False)]
        if raced not in orders:
            (one, two, *left) = Scene(own_database).run(second, first, at_once=False)
            orders.append((two, one, *left))
        assert raced in orders, f"{first} and {second}"


def test_the_books_are_right_after_all_races(own_database: Database) -> None:
    Scene(own_database).run("send", "send_back", at_once=True)
    # The scenes put money into suspense without M-Pesa, which every check admits.
    assert verify_ledger(own_database) == []
