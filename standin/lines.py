"""Which phones are in a USSD session: such a phone can't show an STK prompt."""

import threading


class Lines:
    """Busy phones by number (``2547XXXXXXXX``). Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[str, str] = {}

    def take(self, msisdn: str, session_id: str) -> None:
        """Note which USSD session holds the phone now."""
        with self._lock:
            self._busy[msisdn] = session_id

    def release(self, msisdn: str, session_id: str) -> None:
        """Free the phone, unless a younger session holds it already."""
        with self._lock:
            if self._busy.get(msisdn) == session_id:
                del self._busy[msisdn]

    def clear(self) -> None:
        """Free all phones."""
        with self._lock:
            self._busy.clear()

    def busy(self, msisdn: str) -> bool:
        """Whether a session is open on this phone."""
        with self._lock:
            return msisdn in self._busy
