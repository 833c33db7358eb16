"""Switches of the stand-in that hold until changed (a fault is for now, a behaviour for long).

Read and set over ``GET`` and ``PUT /behaviour``. Section numbers are those of the project's
notes on Daraja's wire format: where Safaricom's portal and captures disagree, both are here.
"""

import threading
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Behaviour(BaseModel):
    """What M-Pesa does when nothing is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt_seconds: float = Field(
        default=26.0, gt=0, description="An STK prompt left alone ends with 1037 after this long"
    )
    callback_seconds: float = Field(
        default=0.2, ge=0, description="From the customer's PIN to the STK callback"
    )
    result_seconds: float = Field(
        default=0.2, ge=0, description="From accepting a B2C, status, balance or reversal request"
    )
    callback_retries: int = Field(
        default=0, ge=0, le=10, description="Repeats of a callback that is not answered with 200"
    )
    callback_timeout_seconds: float = Field(default=10.0, gt=0, description="Wait for the answer")
    validation_seconds: float = Field(default=8.0, gt=0, description="Wait for a C2B validation")
    ussd_idle_seconds: float = Field(
        default=30.0, gt=0, description="A USSD session without a reply ends after this long"
    )
    ussd_session_seconds: float = Field(
        default=180.0, gt=0, description="A USSD session ends after this long, whatever happens"
    )
    ussd_deadline_seconds: float = Field(
        default=10.0, gt=0, description="Africa's Talking waits this long for a screen"
    )
    sms_retry_seconds: float = Field(
        default=60.0, gt=0, description="An inbound SMS not answered with 200 comes again"
    )
    report_seconds: float = Field(
        default=0.3, ge=0, description="Between an SMS, its Sent report and its final report"
    )
    token_seconds: int = Field(default=3600, ge=1, description="Life of an access token")
    single_token: bool = Field(default=True, description="A new token ends the one before it")
    strict_lengths: bool = Field(
        default=True, description="Refuse AccountReference over 12 and TransactionDesc over 13"
    )
    strict_urls: bool = Field(
        default=False,
        description="Refuse callback URLs that are local, not HTTPS, or hold forbidden words",
    )
    same_amount_seconds: float = Field(
        default=120.0, ge=0, description="STK result 17 when the same amount was paid this recently"
    )
    query_style: Literal["4999", "classic"] = Field(
        default="4999", description="How the STK query says that a prompt is still open"
    )
    query_lag_seconds: float = Field(
        default=0.0, ge=0, description="The STK query does not know younger payments"
    )
    validation: bool = Field(default=True, description="C2B validation is enabled")
    one_time_urls: bool = Field(default=False, description="C2B URLs can be registered only once")
    c2b_msisdn: Literal["by_version", "plain", "hash", "masked"] = "by_version"
    stk_twin: bool = Field(
        default=False, description="A paid prompt also sends a C2B confirmation, same receipt"
    )
    pull_provisioned: bool = Field(default=True, description="False: every pull answers 1001")
    pull_offset: Literal["row", "page"] = "row"
    pull_page_size: int = Field(default=100, ge=1)
    pull_spaced_keys: bool = Field(default=False, description="Pull register with spaced keys")
    queue_timeout_body: Literal["echo", "envelope", "empty"] = "echo"
    amount_form: Literal["decimal", "int", "float", "string"] = Field(
        default="decimal", description="Amounts in callbacks: 10.00, 10, 10.0 or '10'"
    )
    code_form: Literal["int", "string"] = Field(
        default="int", description="ResultCode in callbacks"
    )
    balance_item: Literal["without_value", "with_value", "absent"] = "without_value"
    parameters_form: Literal["list", "object"] = Field(
        default="list", description="A single ResultParameter as a list or as one object"
    )
    reference_form: Literal["object", "list", "without_value"] = "object"
    spaced_keys: bool = Field(default=False, description="'Conversation ID' in status results")
    receiver_form: Literal["msisdn", "local"] = "msisdn"
    gateway_originator: bool = Field(
        default=False, description="B2C results carry a gateway-made OriginatorConversationID"
    )


class BehaviourSwitch:
    """The behaviour in force; replaced as a whole so that readers need no lock."""

    def __init__(self) -> None:
        self.now = Behaviour()
        self._lock = threading.Lock()

    def change(self, changes: dict[str, object]) -> Behaviour:
        """Set the named switches. Raises pydantic's ValidationError for wrong ones."""
        with self._lock:
            self.now = Behaviour.model_validate({**self.now.model_dump(), **changes})
            return self.now

    def reset(self) -> Behaviour:
        """Return to the defaults."""
        with self._lock:
            self.now = Behaviour()
            return self.now
