"""Today at a glance, the rules in force, and the audit trail."""

from datetime import UTC, datetime
from itertools import pairwise

import psycopg
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ledger.commands import console as commands
from ledger.core.access import Role
from ledger.core.money import AmountProblem, parse_amount
from ledger.core.rules import CLOSED_UNTIL_SET, NAIROBI, UNUSED_FIGURES, Limit
from ledger.queries import console
from ussd_app.channels.admin.guard import MONEY, READERS, context, needs, why
from ussd_app.services import services

_AUDITORS = frozenset({Role.ADMIN, Role.AUDITOR})
_LIMIT_KINDS = ("deposit", "withdrawal", "withdrawal_other", "transfer", "wallet")
_TARIFF_KINDS = ("withdrawal", "transfer")
_BANDS_MAX = 20
_NEWEST = 2**62


def attach(blueprint: Blueprint) -> None:
    """Add the pages of this module."""
    blueprint.add_url_rule("/", view_func=today)
    blueprint.add_url_rule("/rules", view_func=rules)
    blueprint.add_url_rule("/rules/limit", view_func=set_limit, methods=["POST"])
    blueprint.add_url_rule("/rules/tariff", view_func=set_tariff, methods=["POST"])
    blueprint.add_url_rule("/audit", view_func=audit)


@needs(READERS)
def today() -> ResponseReturnValue:
    """Show what moved today, what waits and what is held where."""
    now = datetime.now(UTC)
    return render_template(
        "admin/today.html", page=console.today(services().database, context(), now), now=now
    )


@needs(READERS)
def rules() -> ResponseReturnValue:
    """Show limits and tariffs with their dates."""
    limits, tariffs = console.rules(services().database, context())
    return render_template(
        "admin/rules.html",
        limits=limits,
        tariffs=tariffs,
        limit_kinds=_LIMIT_KINDS,
        tariff_kinds=_TARIFF_KINDS,
        unused=UNUSED_FIGURES,
        now=datetime.now(UTC),
    )


@needs(MONEY)
def set_limit() -> ResponseReturnValue:
    """Let a limit hold from a moment on."""
    reason, kind, moment = why(), request.form.get("kind", ""), _moment()
    limit = _limit(kind)
    if kind not in _LIMIT_KINDS or not limit.minimum <= limit.maximum <= limit.daily:
        abort(400, "The minimum, the maximum and the day's total must rise.")
    try:
        commands.set_limit(
            services().database, context(), kind, limit, valid_from=moment, why=reason
        )
    except psycopg.errors.UniqueViolation:
        flash("There is a limit from that very moment already.", "refused")
    else:
        flash("Set.", "done")
    return redirect(url_for("admin.rules"), 303)


@needs(MONEY)
def set_tariff() -> ResponseReturnValue:
    """Let a tariff hold from a moment on; one band a line: up to, fee."""
    reason, kind, moment = why(), request.form.get("kind", ""), _moment()
    bands = [_band(line) for line in request.form.get("bands", "").splitlines() if line.strip()]
    rising = all(a[0] < b[0] for a, b in pairwise(bands))
    if kind not in _TARIFF_KINDS or not 1 <= len(bands) <= _BANDS_MAX or not rising:
        abort(400, "One to twenty bands, each up to more than the one before.")
    try:
        commands.set_tariff(
            services().database, context(), kind, bands, valid_from=moment, why=reason
        )
    except psycopg.errors.UniqueViolation:
        flash("There is a tariff from that very moment already.", "refused")
    else:
        flash("Set.", "done")
    return redirect(url_for("admin.rules"), 303)


@needs(_AUDITORS)
def audit() -> ResponseReturnValue:
    """Show who did what, newest first."""
    before = request.args.get("before", default=_NEWEST, type=int)
    actor = request.args.get("actor", "")[:60].strip()
    action = request.args.get("action", "")[:60].strip()
    found = console.audit_trail(
        services().database,
        context(),
        before_id=before,
        actor=actor or None,
        action=action or None,
    )
    return render_template(
        "admin/audit.html",
        rows=found,
        actor=actor,
        action=action,
        next_before=found[-1].id if len(found) == console.PAGE else None,
    )


def _limit(kind: str) -> Limit:
    """Return the limit that was typed; a figure that nothing would look at is refused."""
    figures = {name: request.form.get(name, "").strip() for name in ("minimum", "maximum", "daily")}
    if kind == CLOSED_UNTIL_SET and set(figures.values()) == {"0"}:
        return Limit(minimum=0, maximum=0, daily=0)
    unused = UNUSED_FIGURES.get(kind, frozenset())
    for name in unused:
        if figures.pop(name):
            abort(400, f"A {kind} limit has no {name} figure: nothing is refused by it.")
    cents = {name: _cents(figure) for name, figure in figures.items()}
    # The table wants all three, in order: these say no more than the largest does.
    return Limit(**{"minimum": 1, "daily": cents["maximum"], **cents})


def _moment() -> datetime:
    """Return from when a rule shall hold; never in the past, so that no fee changes afterwards."""
    text = request.form.get("valid_from", "")
    now = datetime.now(UTC)
    if not text:
        return now
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=NAIROBI)
    except ValueError:
        abort(400, "That is no date and time.")
    if moment < now:
        abort(400, "A rule can't begin in the past.")
    return moment


def _cents(text: str) -> int:
    cents = parse_amount(text.replace(",", ""))
    if isinstance(cents, AmountProblem):
        abort(400, "Amounts are shillings, such as 1000 or 10.50.")
    return cents


def _band(line: str) -> tuple[int, int]:
    up_to, _, fee = line.partition(" ")
    fee = fee.strip()
    return _cents(up_to.strip(" ,")), 0 if fee.strip("0.") == "" and fee else _cents(fee)
