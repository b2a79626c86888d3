"""pynetdicom as a caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynetdicom import AE
from pynetdicom.association import Association

from calotype.services.routing.nodes import Node


@contextmanager
def associated(caller: AE, node: Node, **how: Any) -> Iterator[Association]:
    """Open an association for ``send_c_store`` and its like, released when the block ends."""
    association = caller.associate(node.host, node.port, ae_title=node.ae_title, **how)
    assert association.is_established
    try:
        yield association
    finally:
        association.release()
