"""The DICOM protocols without sockets: PDUs, states, negotiation, DIMSE messages (PS3.7, PS3.8)."""
