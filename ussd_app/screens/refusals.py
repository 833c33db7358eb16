"""What each refusal says, and what to do next. One line, short enough to stand above a screen."""

from collections.abc import Mapping
from types import MappingProxyType

from ledger.core.refusals import RefusalCode as R
from ussd_app.flow.model import Text

_NOT_NOW = Text(
    en="That can't be done now. Nothing was done. Please dial again.",
    sw="Haiwezekani sasa. Hakuna kilichofanyika. Tafadhali piga tena.",
)

REFUSALS: Mapping[str, Text] = MappingProxyType(
    {
        **dict.fromkeys(R, _NOT_NOW),
        R.AMOUNT_INVALID: Text(en="Type an amount such as 500.", sw="Andika kiasi kama 500."),
        R.WHOLE_SHILLINGS_ONLY: Text(
            en="M-PESA moves whole shillings only.", sw="M-PESA hutumia shilingi kamili tu."
        ),
        R.AMOUNT_TOO_SMALL: Text(
            en="The least is {minimum}.", sw="Kiwango cha chini ni {minimum}."
        ),
        R.AMOUNT_TOO_LARGE: Text(
            en="The most at once is {maximum}.", sw="Kiwango cha juu ni {maximum}."
        ),
        R.NOT_REGISTERED: Text(
            en="You are not registered. Dial again to join.",
            sw="Hujasajiliwa. Piga tena kujiunga.",
        ),
        R.ALREADY_REGISTERED: Text(
            en="This number is already registered. Dial again.",
            sw="Nambari hii imesajiliwa tayari. Piga tena.",
        ),
        R.USER_CLOSED: Text(en="This account is closed.", sw="Akaunti hii imefungwa kabisa."),
        R.RECIPIENT_UNKNOWN: Text(
            en="{number} is not on Cycle.", sw="{number} hayuko kwenye Cycle."
        ),
        R.RECIPIENT_IS_SENDER: Text(
            en="That is your own number.", sw="Hiyo ni nambari yako mwenyewe."
        ),
        R.RECIPIENT_CANNOT_RECEIVE: Text(
            en="That person can't receive this amount now.",
            sw="Mtu huyo hawezi kupokea kiasi hiki sasa.",
        ),
        R.PIN_WEAK: Text(
            en="Too easy to guess. Choose another PIN.",
            sw="PIN rahisi kukisia. Chagua nyingine.",
        ),
        R.PIN_WRONG: Text(
            en="Wrong PIN. Tries left: {tries_left}.",
            sw="PIN si sahihi. Nafasi {tries_left} zimebaki.",
        ),
        R.PIN_LOCKED: Text(
            en="Your PIN is locked until {until}. Nothing was done.",
            sw="PIN yako imefungwa hadi saa {until}. Hakuna kilichofanyika.",
        ),
        R.PIN_MUST_CHANGE: Text(
            en="Change your start PIN first. Dial again.",
            sw="Badilisha PIN ya kuanzia kwanza. Piga tena.",
        ),
        R.ACCOUNT_FROZEN: Text(
            en="Your wallet is on hold. Call {support}.",
            sw="Akaunti yako imezuiwa. Piga simu {support}.",
        ),
        R.ACCOUNT_CLOSED: Text(en="This wallet is closed.", sw="Akaunti hii imefungwa kabisa."),
        R.WITHDRAWALS_OWN_ONLY: Text(
            en="You can withdraw to your own number only.",
            sw="Unaweza kutoa pesa kwa nambari yako pekee.",
        ),
        R.WITHDRAWALS_PAUSED: Text(
            en="Withdrawals are paused for now. Your money is safe. Try again later.",
            sw="Kutoa pesa kumesitishwa kwa sasa. Pesa zako ziko salama. Jaribu tena baadaye.",
        ),
        R.WITHDRAWALS_CAPPED: Text(
            en="After a PIN reset you can withdraw up to {maximum} until tomorrow.",
            sw="Baada ya kuweka PIN upya unaweza kutoa hadi {maximum} mpaka kesho.",
        ),
        R.PROMPT_OPEN: Text(
            en="An M-PESA request is still open on your phone. Wait a minute, then dial again.",
            sw="Ombi la M-PESA bado liko kwenye simu yako. Subiri dakika moja, kisha piga tena.",
        ),
        R.INSUFFICIENT_FUNDS: Text(
            # Without the balance: it stands behind the PIN, and this line may come before it.
            en="Not enough money in your wallet.",
            sw="Hakuna pesa za kutosha kwenye akaunti.",
        ),
        R.WALLET_FULL: Text(
            en="Your wallet can't hold that much. Type less.",
            sw="Akaunti yako haiwezi kuwa na kiasi hicho. Punguza.",
        ),
        R.DAILY_LIMIT: Text(
            en="Over today's limit. You have {left} left today.",
            sw="Umezidi kiwango cha leo. Kilichobaki leo ni {left}.",
        ),
        R.LOOKUPS_TODAY: Text(
            en="Too many names were looked up today. Try again tomorrow, or call {support}.",
            sw="Umetafuta majina mengi leo. Jaribu tena kesho, au piga simu {support}.",
        ),
        R.REQUESTS_TODAY: Text(
            en="You asked for money ten times today. Try again tomorrow.",
            sw="Umeomba pesa mara kumi leo. Jaribu tena kesho.",
        ),
        R.REQUEST_CLOSED: Text(
            en="This request is no longer open. No money moved.",
            sw="Ombi hili limefungwa. Hakuna pesa iliyotumwa.",
        ),
        R.TICKETS_TODAY: Text(
            en="You have complained five times today. Call {support}.",
            sw="Umelalamika mara tano leo. Piga simu {support}.",
        ),
        R.IDENTITY_WRONG: Text(
            en="The answers don't match. Nothing was changed. Dial again or call {support}.",
            sw="Majibu si sahihi. Hakuna kilichobadilika. Piga tena au piga simu {support}.",
        ),
        R.RESETS_BLOCKED: Text(
            en="Your PIN can't be reset here now. Call {support}.",
            sw="PIN yako haiwezi kuwekwa upya hapa sasa. Piga simu {support}.",
        ),
        R.START_PIN_EXPIRED: Text(
            en="The start PIN is too old. Dial again and ask for a new one.",
            sw="PIN ya kuanzia imepitwa na wakati. Piga tena uombe mpya.",
        ),
        R.STATEMENTS_TODAY: Text(
            en="You got many statements today. Try again tomorrow.",
            sw="Umepata taarifa nyingi leo. Jaribu tena kesho.",
        ),
        R.WALLET_NOT_EMPTY: Text(
            en="Empty your wallet before you close it.",
            sw="Toa pesa zote kabla ya kufunga akaunti.",
        ),
        R.PAYMENT_PENDING: Text(
            en="A payment is still on its way. Try again later.",
            sw="Malipo bado yanaendelea. Jaribu tena baadaye.",
        ),
    }
)
