"""What a client is told to come back to."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from calotype.dicom.hierarchy import UID, InstanceRef
from calotype.web.addresses import instance_url, service_url


def request(path, *, host="pacs.example:5000", root="", server=("192.0.2.1", 5000), scheme="http"):
    return Request(
        {
            "type": "http",
            "path": root + path,
            "root_path": root,
            "scheme": scheme,
            "server": server,
            "query_string": b"",
            "headers": [(b"host", host.encode("latin-1"))] if host else [],
        }
    )


@pytest.mark.parametrize(
    ("asked", "public_url", "service"),
    [
        (request("/dicomweb/studies"), "", "http://pacs.example:5000/dicomweb"),
        (request("/dicom-web/studies/1/series/2"), "", "http://pacs.example:5000/dicom-web"),
        (request("/dicomweb/studies", root="/studies-of/us"), "", "http://pacs.example:5000/studies-of/us/dicomweb"),
        (request("/dicomweb/studies", root="/dicom"), "", "http://pacs.example:5000/dicom/dicomweb"),
        (request("/dicomweb"), "", "http://pacs.example:5000/dicomweb"),
        (request("/wado"), "", "http://pacs.example:5000/dicomweb"),
        (request("/wado"), "https://pacs.hospital/x", "https://pacs.hospital/x/dicomweb"),
        (request("/dicomweb/studies", scheme="https", host="pacs.example"), "", "https://pacs.example/dicomweb"),
        (request("/dicomweb/studies"), "https://pacs.hospital/x/", "https://pacs.hospital/x/dicomweb"),
        (request("/dicomweb/studies", host=""), "", "http://192.0.2.1:5000/dicomweb"),
        (request("/dicomweb/studies", host="", server=("::1", 5000)), "", "http://[::1]:5000/dicomweb"),
        (request("/dicomweb/studies", host="192.0.2.1"), "", "http://192.0.2.1:5000/dicomweb"),
        (request("/dicomweb/studies", host="[::1]", server=("::1", 5000)), "", "http://[::1]:5000/dicomweb"),
        (request("/dicomweb/studies", host="192.0.2.2"), "", "http://192.0.2.2/dicomweb"),
        (request("/dicomweb/studies", host="a\r\nX: y"), "", "http://192.0.2.1:5000/dicomweb"),
        (request("/dicomweb/studies", host="evil@pacs.example"), "", "http://192.0.2.1:5000/dicomweb"),
        (request("/dicomweb/studies", host='x"><script>'), "", "http://192.0.2.1:5000/dicomweb"),
    ],
)
def test_the_service_is_where_the_client_found_it(asked, public_url, service):
    assert service_url(asked, public_url) == service


def test_uids_are_quoted_whatever_a_device_made_of_them():
    ref = InstanceRef(UID("1.2"), UID("a/b?c"), UID("1#2"))

    assert instance_url("http://x/dicomweb", ref) == "http://x/dicomweb/studies/1.2/series/a%2Fb%3Fc/instances/1%232"
