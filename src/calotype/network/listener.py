"""One port that takes associations."""

from __future__ import annotations

from collections.abc import Callable

from calotype.dicom.wire.negotiation import AcceptancePolicy
from calotype.network.association import Association
from calotype.network.rejections import Rejections
from calotype.network.settings import ListenerSettings


class Listener:
    """Listens on one port and runs ``handle`` in a thread of its own for each association."""

    def __init__(
        self,
        settings: ListenerSettings,
        policy: AcceptancePolicy,
        handle: Callable[[Association], None],
        rejections: Rejections,
    ) -> None:
        self.settings = settings
        self._policy = policy
        self._handle = handle
        self._rejections = rejections

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        raise NotImplementedError

    def start(self) -> None:
        """Bind and begin to accept. Unavailable or InvalidRequest when the address cannot be had."""
        raise NotImplementedError

    def stop(self, drain_s: float = 30.0) -> None:
        """Accept no more, let what runs finish for ``drain_s``, abort the rest. Idempotent."""
        raise NotImplementedError
