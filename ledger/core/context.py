"""On whose behalf a use-case runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, over which channel. Row-level security and the audit log both read it.

    ``actor`` is ``user:<id>``, ``admin:<id>`` or ``system:<what>``; ``user_id`` is set
    when a customer acts and limits what the database shows to that customer's rows.
    """

    actor: str
    channel: str
    user_id: int | None = None

    @classmethod
    def of_user(cls, user_id: int, channel: str) -> "Context":
        """Return the context of a customer acting over ``ussd``, ``sms`` or ``api``."""
        return cls(actor=f"user:{user_id}", channel=channel, user_id=user_id)

    @classmethod
    def of_system(cls, what: str) -> "Context":
        """Return the context of a named part of the system, such as ``sweep`` or ``mpesa``."""
        return cls(actor=f"system:{what}", channel="system")
