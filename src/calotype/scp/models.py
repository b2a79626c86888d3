"""Which information model a Query/Retrieve request speaks of: told by the SOP class of its presentation context."""

from __future__ import annotations

from collections.abc import Mapping

from calotype.dicom.hierarchy import UID
from calotype.dicom.query.identifier import Model
from calotype.errors import Unsupported
from calotype.network.association import Received


def model_of(received: Received, models: Mapping[UID, Model], service: str) -> Model:
    """Return the model of a request; Unsupported when it came on a context of another service.

    The context counts, not the Affected SOP Class UID: what was negotiated is what was agreed upon.
    """
    abstract_syntax = received.context.abstract_syntax
    model = models.get(abstract_syntax)
    if model is None:
        raise Unsupported(f"{service} came on a context of SOP class {abstract_syntax}")
    return model
