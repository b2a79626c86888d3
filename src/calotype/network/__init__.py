"""Moves bytes between sockets and ``dicom.wire``: one blocking thread per association."""
