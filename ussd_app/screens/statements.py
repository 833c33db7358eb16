"""Statements: the last movements here, a whole one by mail, the last receipt by SMS."""

from ussd_app.flow.model import Effect, End, Listing, Menu, Notice, Option, PinEntry, Text

STATEMENTS = Menu(
    name="statements",
    text=Text(en="Statements", sw="Taarifa"),
    options=(
        Option(Text(en="Mini statement", sw="Taarifa fupi"), "mini_pin"),
        Option(Text(en="Full, by e-mail", sw="Kamili, kwa barua pepe"), "statement_period"),
        Option(Text(en="Last receipt by SMS", sw="Risiti ya mwisho kwa SMS"), "receipt_again"),
    ),
)

MINI_PIN = PinEntry(
    name="mini_pin",
    text=Text(en="Mini statement. Enter your PIN", sw="Taarifa fupi. Weka PIN yako"),
    submit=Effect("load_recent", {"ok": "mini"}),
    retry=("pin_wrong",),
)

MINI = Listing(
    name="mini",
    text=Text(en="Last movements", sw="Miamala ya mwisho"),
    item=Text(en="{day} {sign}{amount} {name}", sw="{day} {sign}{amount} {name}"),
    empty=Text(en="Nothing yet.", sw="Bado hakuna muamala."),
)

PERIOD = Menu(
    name="statement_period",
    text=Text(en="Statement by e-mail for", sw="Taarifa kwa barua pepe ya"),
    options=(
        Option(Text(en="This month", sw="Mwezi huu"), "statement_pin", {"period": "this_month"}),
        Option(
            Text(en="Last month", sw="Mwezi uliopita"), "statement_pin", {"period": "last_month"}
        ),
        Option(
            Text(en="Last 3 months", sw="Miezi 3 iliyopita"),
            "statement_pin",
            {"period": "three_months"},
        ),
    ),
)

STATEMENT_PIN = PinEntry(
    name="statement_pin",
    text=Text(en="Statement by e-mail. Enter your PIN", sw="Taarifa kamili. Weka PIN yako"),
    submit=Effect(
        "request_statement", {"ok": "statement_requested", "no_email": "statement_no_email"}
    ),
    retry=("pin_wrong",),
)

STATEMENT_REQUESTED = End(
    name="statement_requested",
    text=Text(
        en="Your statement goes to your e-mail address. You will get an SMS.",
        sw="Taarifa yako itatumwa kwa barua pepe yako. Utapokea SMS.",
    ),
)

STATEMENT_NO_EMAIL = Notice(
    name="statement_no_email",
    text=Text(
        en="We have no confirmed e-mail address of yours. Text EMAIL and your address to"
        " {shortcode}.",
        sw="Hatuna barua pepe yako iliyothibitishwa. Tuma EMAIL na anwani yako kwa {shortcode}.",
    ),
    enter=Effect("load_help"),
)

RECEIPT_AGAIN = End(
    name="receipt_again",
    text=Text(en="Your last receipt comes by SMS.", sw="Risiti yako ya mwisho inakuja kwa SMS."),
    enter=Effect("resend_receipt", {"none": "receipt_none", "stopped": "receipt_stopped"}),
)

RECEIPT_STOPPED = Notice(
    name="receipt_stopped",
    text=Text(
        en="SMS to you are stopped. To get them again text START to {shortcode}.",
        sw="SMS kwako zimesimamishwa. Kuzipata tena tuma ANZA kwa {shortcode}.",
    ),
)

RECEIPT_NONE = Notice(
    name="receipt_none",
    text=Text(en="You have no receipt yet.", sw="Bado huna risiti."),
)
