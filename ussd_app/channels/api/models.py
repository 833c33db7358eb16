"""The shapes that the API takes and gives. The OpenAPI document is made from these."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    SecretStr,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from ledger.core.access import CodePurpose
from ledger.core.money import AmountProblem, decimal_text, parse_amount

KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,128}")
LIMIT_DEFAULT = 50
LIMIT_MAX = 100
_AMOUNT_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,2})?$"


class Model(BaseModel):
    """Base of all shapes: camelCase outside, and nothing beyond what is declared."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", hide_input_in_errors=True)


def _cents(value: Any) -> int:
    """Read a decimal string or whole shillings; zero passes, for the ledger to refuse."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be a decimal string, such as 1000.00")
    text = str(value)
    if not re.fullmatch(_AMOUNT_PATTERN.strip("^$"), text, re.ASCII):
        raise ValueError("must be a decimal string, such as 1000.00")
    cents = parse_amount(text)
    return 0 if isinstance(cents, AmountProblem) else cents


def _four_digits(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]{4}", value.get_secret_value(), re.ASCII):
        raise ValueError("must be four digits")
    return value


Amount = Annotated[
    int,
    BeforeValidator(_cents),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _AMOUNT_PATTERN},
                {"type": "integer", "minimum": 0, "maximum": 999_999_999_999},
            ],
            "description": "Shillings, with at most two places; M-Pesa takes whole shillings only",
            "examples": ["1000.00"],
        }
    ),
]
Money = Annotated[
    int,
    PlainSerializer(decimal_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$", "examples": ["1000.00"]}),
]
Phone = Annotated[
    str, Field(pattern=r"^[+0-9][0-9 -]{8,19}$", examples=["+254712345678", "0712345678"])
]
PersonName = Annotated[str, Field(pattern=r"^[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ' .-]{0,39}$")]
Pin = Annotated[
    SecretStr,
    AfterValidator(_four_digits),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}$", "writeOnly": True}),
]
Code = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{20,100}$")]
Id = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]


class PinnedModel(Model):
    """A request that moves money, with the customer's PIN."""

    pin: Pin


class CodeRequest(Model):
    """Asks for a one-time code by SMS."""

    phone: Phone
    purpose: CodePurpose | None = Field(
        default=None, description="Default: login for a registered number, else registration"
    )
    language: Literal["en", "sw"] = "en"


class CodeSent(Model):
    """Says that a code is on its way, if the number may have one."""

    expires_in_seconds: int


class Registration(Model):
    """Opens a wallet. The code came by SMS, for the purpose ``registration``."""

    phone: Phone
    otp: Code
    pin: Pin
    first_name: PersonName
    last_name: PersonName
    language: Literal["en", "sw"] = "en"
    consent_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,20}$")] = "1"


class CustomerLogin(Model):
    """Logs a customer in by PIN and either a code by SMS or a device known before."""

    phone: Phone
    pin: Pin
    otp: Code | None = None
    device_token: Token | None = None


class StaffLogin(Model):
    """Logs a member of staff in; the second factor is enrolled at /admin."""

    email: Annotated[str, Field(pattern=r"^[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,190}$")]
    password: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    totp: Code


class Login(RootModel[CustomerLogin | StaffLogin]):
    """Either kind of login; which one is told by its fields."""


class Session(Model):
    """Tokens. A refresh token works once; a device token stands for the code at the next login."""

    user_id: Id
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in_seconds: int
    device_token: str | None = None


class RefreshRequest(Model):
    """Asks for the next pair of tokens."""

    refresh_token: Token


class Balance(Model):
    """What is in the wallet."""

    balance: Money
    currency: Literal["KES"] = "KES"
    wallet_number: str
    status: Literal["active", "frozen", "closed"]


class DepositRequest(PinnedModel):
    """Asks M-Pesa to prompt the customer's own phone for a payment."""

    amount: Amount


class WithdrawalRequest(PinnedModel):
    """Asks for a payout to the customer's own M-Pesa, or to another number where that is open."""

    amount: Amount
    recipient_phone: Phone | None = None


class TransferRequest(PinnedModel):
    """Moves money to another member."""

    recipient_phone: Phone
    amount: Amount


class PaymentStatus(Model):
    """Where a payment over M-Pesa stands."""

    id: Id
    kind: Literal["deposit", "withdrawal"]
    status: Literal["pending", "completed", "failed"]
    amount: Money
    fee: Money
    external_reference: str
    checkout_request_id: str | None
    mpesa_receipt_number: str | None
    result_desc: str | None
    reference: str | None = Field(description="The ledger's receipt, once there is one")
    created_at: datetime
    completed_at: datetime | None


class TransferDone(Model):
    """A transfer that was made."""

    id: Id
    reference: str
    status: Literal["completed"] = "completed"
    amount: Money
    fee: Money
    balance: Money
    recipient_name: str
    recipient_phone: str
    created_at: datetime


class TransactionQuery(Model):
    """Which part of the history to show, newest first. Days are Nairobi's, both included."""

    start_date: date | None = None
    end_date: date | None = None
    type: Literal["deposit", "withdrawal", "transfer", "reversal"] | None = None
    status: Literal["pending", "completed", "failed"] | None = None
    counterparty: (
        Annotated[
            Phone,
            Field(
                description="The whole number of who sent or got the money: another customer's,"
                " or the one that M-Pesa was paid from or paid to"
            ),
        ]
        | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,120}$")] | None = None


class Transaction(Model):
    """One movement as the owner of the wallet sees it."""

    id: Id
    reference: str
    transaction_type: str
    description: str
    status: Literal["pending", "completed", "failed"]
    direction: Literal["debit", "credit"]
    amount: Money
    fee: Money
    balance_before: Money
    balance_after: Money
    counterparty_name: str | None
    counterparty_phone: str | None
    mpesa_receipt_number: str | None
    created_at: datetime


class TransactionPage(Model):
    """A page of history; ``nextCursor`` is null on the last one."""

    transactions: list[Transaction]
    count: int
    next_cursor: str | None


class StatementQuery(Model):
    """Which statement to make; days are Nairobi's, both included."""

    start_date: date
    end_date: date
    format: Literal["pdf", "csv"] = "pdf"


class Statement(Model):
    """A statement inside JSON; ``data`` is base64."""

    format: Literal["pdf", "csv"]
    data: str
    filename: str


class FieldError(Model):
    """One wrong field."""

    field: str
    problem: str


class Problem(BaseModel):
    """A problem document (RFC 9457). ``code`` is stable; more members may follow."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldError] | None = None
