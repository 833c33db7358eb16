"""Everything the stand-in knows, shared by its Daraja, Africa's Talking and SMTP halves."""

from dataclasses import dataclass

from standin.behaviour import BehaviourSwitch
from standin.books import Books
from standin.clock import Clock
from standin.faults import Faults
from standin.lines import Lines
from standin.money import to_cents
from standin.prompts import Prompts
from standin.requests_log import RequestLog
from standin.scenarios import Scenarios
from standin.scheduler import Scheduler
from standin.sender import Sender
from standin.settings import StandinSettings


@dataclass(frozen=True, slots=True)
class World:
    """One running stand-in. Create it with ``World.create``, end it with ``close``."""

    settings: StandinSettings
    clock: Clock
    books: Books
    faults: Faults
    scenarios: Scenarios
    behaviour: BehaviourSwitch
    requests: RequestLog
    prompts: Prompts
    lines: Lines
    scheduler: Scheduler
    sender: Sender

    @classmethod
    def create(cls, settings: StandinSettings) -> "World":
        """Build a fresh world. Raises ValueError for a utility amount that is no amount."""
        utility = to_cents(settings.standin_utility)
        if utility is None or utility < 0:
            raise ValueError("STANDIN_UTILITY must be an amount in shillings")
        clock = Clock()
        return cls(
            settings=settings,
            clock=clock,
            books=Books(clock, settings.mpesa_shortcode, utility),
            faults=Faults(settings.standin_seed),
            scenarios=Scenarios(),
            behaviour=BehaviourSwitch(),
            requests=RequestLog(),
            prompts=Prompts(),
            lines=Lines(),
            scheduler=Scheduler(),
            sender=Sender(clock),
        )

    def reset(self) -> None:
        """Return M-Pesa and all controls to how they were at start. Ends background work."""
        self.prompts.clear()
        self.lines.clear()
        self.faults.load({"seed": self.settings.standin_seed, "rules": []})
        self.scenarios.clear()
        self.scheduler.drop()
        self.books.reset()
        self.behaviour.reset()
        self.clock.reset()
        self.requests.clear()
        self.sender.clear()

    def close(self) -> None:
        """Stop background work."""
        self.scheduler.close()
