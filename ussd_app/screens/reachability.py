"""How a customer wants to be reached: the e-mail address, the balance by SMS."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Notice, Option, PinEntry, Text

EMAIL = Notice(
    name="email",
    text=Text(
        en="Receipts and statements go to {email}. To change it text EMAIL and the address to"
        " {shortcode}.",
        sw="Risiti na taarifa huenda kwa {email}. Kubadilisha tuma EMAIL na anwani kwa"
        " {shortcode}.",
    ),
    enter=Effect("load_email", {"none": "email_none", "pending": "email_code"}),
)

EMAIL_NONE = Notice(
    name="email_none",
    text=Text(
        en="You have no e-mail address here. Text EMAIL and your address to {shortcode}.",
        sw="Huna barua pepe hapa. Tuma EMAIL na anwani yako kwa {shortcode}.",
    ),
)

EMAIL_CODE = Entry(
    name="email_code",
    text=Text(
        en="Enter the 6 digits that we mailed to {email}",
        sw="Weka tarakimu 6 tulizotuma kwa {email}",
    ),
    field="code",
    parse=inputs.six_digits,
    submit=Effect("confirm_email", {"ok": "email_confirmed", "wrong": "email_code_wrong"}),
    can_resume=False,
)

EMAIL_CONFIRMED = End(
    name="email_confirmed",
    text=Text(
        en="Your e-mail address is confirmed. Receipts go there too from now on.",
        sw="Barua pepe yako imethibitishwa. Risiti zitatumwa huko pia.",
    ),
)

EMAIL_CODE_WRONG = End(
    name="email_code_wrong",
    text=Text(
        en="That code is not right or too old. Text EMAIL and your address to {shortcode} for a"
        " new one.",
        sw="Nambari hiyo si sahihi au ni ya zamani. Tuma EMAIL na anwani yako kwa {shortcode}"
        " upate mpya.",
    ),
)

SMS_BALANCE = Menu(
    name="sms_balance",
    text=Text(
        en="Balance by SMS without PIN? Whoever holds your phone can read it.",
        sw="Salio kwa SMS bila PIN? Aliye na simu yako anaweza kulisoma.",
    ),
    options=(
        Option(Text(en="Turn on", sw="Washa"), "sms_balance_pin", {"enrol": "yes"}),
        Option(Text(en="Turn off", sw="Zima"), "sms_balance_pin", {"enrol": "no"}),
    ),
)

SMS_BALANCE_PIN = PinEntry(
    name="sms_balance_pin",
    text=Text(en="Balance by SMS. Enter your PIN", sw="Salio kwa SMS. Weka PIN yako"),
    submit=Effect("set_sms_balance", {"on": "sms_balance_on", "off": "sms_balance_off"}),
    retry=("pin_wrong",),
)

SMS_BALANCE_ON = End(
    name="sms_balance_on",
    text=Text(
        en="Balance by SMS is on. Text BAL to {shortcode}.",
        sw="Salio kwa SMS limewashwa. Tuma SALIO kwa {shortcode}.",
    ),
)

SMS_BALANCE_OFF = End(
    name="sms_balance_off",
    text=Text(en="Balance by SMS is off.", sw="Salio kwa SMS limezimwa."),
)
