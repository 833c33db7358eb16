"""The receipt by e-mail, beside the same receipt by SMS."""

from jobs.letters.letter import Letter
from jobs.services import JobServices
from jobs.texts.catalogue import Brand, UnrenderableError, render, shown_values, templates
from ledger.db.outbox_sending import Due

_LABELS = {
    "receipt": {"en": "Reference", "sw": "Kumbukumbu"},
    "amount": {"en": "Amount", "sw": "Kiasi"},
    "name": {"en": "Other party", "sw": "Mhusika"},
    "msisdn": {"en": "Number", "sw": "Nambari"},
    "mpesa_receipt": {"en": "M-PESA receipt", "sw": "Risiti ya M-PESA"},
    "posted_at": {"en": "Date (EAT)", "sw": "Tarehe (EAT)"},
    "fee": {"en": "Cost", "sw": "Ada"},
    "balance": {"en": "New balance", "sw": "Salio jipya"},
}
_HEADING = {"en": "Your receipt", "sw": "Risiti yako"}
_SUBJECT = {"en": "Cycle receipt {receipt}", "sw": "Risiti ya Cycle {receipt}"}


def compose(services: JobServices, due: Due) -> Letter:
    """Return the receipt for any SMS template that has a reference."""
    template = templates().get(due.template)
    if template is None or "receipt" not in template.fields:
        raise UnrenderableError(f"no letter for {due.template}")
    language = "sw" if due.language == "sw" else "en"
    brand = Brand(services.settings.ussd_code, services.settings.sms_code)
    shown = shown_values(template, due.params)
    return Letter(
        language=language,
        subject=_SUBJECT[language].format(receipt=shown.get("receipt", "")),
        heading=_HEADING[language],
        figure=shown.get("amount"),
        paragraphs=(render(due.template, language, due.params, brand),),
        rows=tuple(
            (labels[language], shown[name]) for name, labels in _LABELS.items() if name in shown
        ),
    )
