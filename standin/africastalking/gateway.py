"""The parts of Africa's Talking that share one product and one set of phones."""

from standin.africastalking.inbound import Inbound
from standin.africastalking.outbound import DEFAULT_SENDER, Outbound
from standin.africastalking.product import Product
from standin.africastalking.ussd import Ussd
from standin.inbox import Inboxes
from standin.world import World


class Gateway:
    """One running Africa's Talking: ``ussd``, ``inbound`` and ``outbound`` to one ``product``."""

    def __init__(self, world: World) -> None:
        settings = world.settings
        key = settings.at_callback_keys.partition(",")[0].strip()
        self.product = Product(world.sender, settings.public_url, key)
        self.inboxes = Inboxes(world.clock)
        self.ussd = Ussd(world, self.product)
        self.inbound = Inbound(world, self.product, self.inboxes)
        self.outbound = Outbound(world, self.product, self.inboxes)
        self.sms_code = settings.sms_code
        self.default_sender = settings.at_sender_id or DEFAULT_SENDER

    def reset(self) -> None:
        """Return to how a gateway starts; the product's address stays."""
        self.ussd.reset()
        self.inbound.reset()
        self.outbound.reset()
        self.inboxes.clear_all()
