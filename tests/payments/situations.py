"""Where the tests of table 2.2 start from."""

from ledger.core.chart import SystemAccount
from ledger.core.payments import Payment, PaymentState
from ledger.core.people import User
from ledger.db import accounts
from tests.gateway import refused, said
from tests.mpesa_world import TEST, MpesaWorld

COMPLETED, FAILED, EXPIRED = PaymentState.COMPLETED, PaymentState.FAILED, PaymentState.EXPIRED
PENDING, UNKNOWN = PaymentState.PENDING, PaymentState.UNKNOWN
PAID = said(ResponseCode="0", ResultCode="0", ResultDesc="Processed")
PROCESSING = refused(500, "500.001.1001", "The transaction is being processed")


def prompted(world: MpesaWorld, shillings: int = 100) -> tuple[User, Payment]:
    """Return a customer with a prompt that Daraja accepted."""
    user = world.customer()
    payment = world.deposit(user, shillings)
    world.submit()
    return user, world.reload(payment)


def paid_out(world: MpesaWorld, shillings: int = 400) -> tuple[User, Payment]:
    """Return a customer with 1,000 and a payout that Daraja accepted."""
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, shillings)
    world.submit()
    return user, world.reload(payment)


def suspense(world: MpesaWorld) -> int:
    with world.database.transaction(TEST) as connection:
        return accounts.system_balances(connection)[SystemAccount.SUSPENSE]
