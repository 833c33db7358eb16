"""How a customer wants to be reached."""

from ledger.commands import messaging
from ledger.core.refusals import Refusal
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done


@action
def load_email(call: Call) -> Done | Refusal:
    """Show the confirmed address, ask for the code of a noted one, or say how to set one."""
    user = call.customer()
    shortcode = call.services.settings.sms_code
    if user.email_pending is not None:
        return Done({"email": user.email_pending, "shortcode": shortcode}, "pending")
    if user.email is None or user.email_confirmed_at is None:
        return Done({"shortcode": shortcode}, "none")
    return Done({"email": user.email, "shortcode": shortcode})


@action
def confirm_email(call: Call) -> Done | Refusal:
    """Take the code that the noted address received."""
    right = messaging.confirm_email(
        call.services.database, call.context, call.pepper, call.user_id, call.values["code"]
    )
    return Done(outcome="ok" if right else "wrong")


@action
def set_sms_balance(call: Call) -> Done | Refusal:
    """Turn the balance by SMS on or off once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    enrolled = call.values["enrol"] == "yes"
    messaging.set_sms_balance(call.services.database, call.context, call.user_id, enrolled=enrolled)
    shortcode = call.services.settings.sms_code
    return Done({"shortcode": shortcode}, "on" if enrolled else "off")
