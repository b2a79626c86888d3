"""Storage commitment as its doors know it: promises and requests over one store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from calotype.clock import Clock, utc_now_us
from calotype.dicom.commitment import Reference
from calotype.dicom.hierarchy import Selection
from calotype.errors import NotFound
from calotype.services.archive.custody import Custody
from calotype.services.archive.retrieve import Retrieve
from calotype.services.routing.commitment.model import Commitment, Item
from calotype.services.routing.commitment.ports import CommitmentStore, Messenger
from calotype.services.routing.commitment.promises import Promises
from calotype.services.routing.commitment.requests import Requests
from calotype.services.routing.nodes import AddressBook, Role, serving


@dataclass(frozen=True, slots=True)
class Commitments:
    """Everything a door may do with commitments."""

    promises: Promises
    requests: Requests
    store: CommitmentStore
    nodes: AddressBook

    @classmethod
    def over(
        cls,
        store: CommitmentStore,
        custody: Custody,
        nodes: AddressBook,
        messenger: Messenger,
        *,
        our_ae_title: str,
        clock_us: Clock = utc_now_us,
    ) -> Self:
        """Build both over ``store``. Nothing is started."""
        promises = Promises(store, custody, nodes, messenger, clock_us)
        return cls(promises, Requests(store, messenger, our_ae_title, clock_us), store, nodes)

    def ask(self, ae_title: str, retrieve: Retrieve, selection: Selection) -> Commitment:
        """Ask a node to commit to what the archive holds of ``selection``: what it was sent.

        NotFound for an unknown node and where the archive holds nothing, InvalidRequest for a node that is said not
        to do this; else as :meth:`Requests.ask`.
        """
        node = serving(self.nodes, ae_title, Role.COMMITMENT)
        held = [Reference(stored.sop_class, stored.ref.instance) for stored in retrieve.locate(selection)]
        if not held:
            raise NotFound("The archive holds nothing of what the node is to commit to.")
        return self.requests.ask(node, held)

    def recent(self, limit: int, before: int | None = None) -> list[Commitment]:
        """Return transactions of both directions, newest first, older than number ``before``."""
        return self.store.recent(limit, before)

    def one(self, number: int) -> tuple[Commitment, list[Item]]:
        """Return a transaction and its instances; NotFound when there is none of this number."""
        found = self.store.get(number)
        if found is None:
            raise NotFound(f"There is no storage commitment {number}.")
        return found, self.store.items(number)
