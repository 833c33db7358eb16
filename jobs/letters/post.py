"""Finds the file that writes a letter and makes the mail of it.

A file of this folder with ``template`` and ``compose`` writes the letters of that template;
every other template gets a receipt.
"""

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import jobs.letters
from jobs.clients.mail import Mail
from jobs.letters import receipt
from jobs.letters.letter import Letter, as_html, as_text, foot
from jobs.services import JobServices
from ledger.db.outbox_sending import Due

Compose = Callable[[JobServices, Due], Letter]


@cache
def writers() -> Mapping[str, Compose]:
    """Return who writes which template."""
    modules = [
        import_module(f"jobs.letters.{module.name}")
        for module in pkgutil.iter_modules(jobs.letters.__path__)
    ]
    return MappingProxyType(
        {module.template: module.compose for module in modules if hasattr(module, "template")}
    )


def mail_of(services: JobServices, due: Due) -> Mail:
    """Return the mail for an outbox row; raise UnrenderableError when a value is missing.

    Its key is the row's, so the same row sent twice is recognised by mail programs.
    """
    letter = writers().get(due.template, receipt.compose)(services, due)
    foot_line = foot(letter.language, services.settings.ussd_code)
    return Mail(
        key=f"outbox:{due.id}",
        recipients=(due.recipient,),
        subject=letter.subject,
        text=as_text(letter, foot_line),
        html=as_html(letter, foot_line),
        attachments=letter.attachments,
    )
