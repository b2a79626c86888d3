"""One row per reason, one column per service, no empty cell."""

import pytest

from calotype import errors
from calotype.dicom import statuses
from calotype.dicom.statuses import Category, Service, category, describe, http_status, status_for, status_of
from calotype.errors import Reason


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("service", Service)
def test_every_reason_has_a_status_that_is_no_success_in_every_service(reason, service):
    expected = Category.CANCEL if status_for(reason, service) == statuses.CANCEL else Category.FAILURE
    assert category(status_for(reason, service)) is expected


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_http_status(reason):
    assert 400 <= http_status(reason) <= 599


@pytest.mark.parametrize(
    ("error", "service", "status"),
    [
        (errors.InvalidRequest("x"), Service.STORE, 0xC000),
        (errors.ClassMismatch("x"), Service.STORE, 0xA900),
        (errors.ClassMismatch("x"), Service.N_SERVICE, 0x0106),
        (errors.InvalidRequest("x"), Service.FIND, 0xA900),
        (errors.NotFound("x"), Service.MOVE, 0xA801),
        (errors.Conflict("x"), Service.STORE, 0x0111),
        (errors.Refused("x"), Service.GET, 0x0124),
        (errors.Unsupported("x"), Service.STORE, 0x0122),
        (errors.OutOfResources("x"), Service.STORE, 0xA700),
        (errors.Unavailable("x"), Service.MOVE, 0xA702),
        (errors.Cancelled("x"), Service.FIND, 0xFE00),
        (errors.NotFound("x"), Service.N_SERVICE, 0x0112),
        (ValueError("our bug"), Service.STORE, 0x0110),
        (ValueError("our bug"), Service.FIND, 0xC000),
    ],
)
def test_an_error_becomes_the_status_of_its_service(error, service, status):
    assert status_of(error, service) == status


def test_what_is_unsupported_is_another_http_status_when_it_came_in():
    assert (http_status(Reason.UNSUPPORTED), http_status(Reason.UNSUPPORTED, request_body=True)) == (406, 415)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (0x0000, Category.SUCCESS),
        (0xFF00, Category.PENDING),
        (0xFF01, Category.PENDING),
        (0xFE00, Category.CANCEL),
        (0xB000, Category.WARNING),
        (0xB007, Category.WARNING),
        (0x0107, Category.WARNING),
        (0x0001, Category.WARNING),
        (0xA700, Category.FAILURE),
        (0xC123, Category.FAILURE),
        (0x0122, Category.FAILURE),
    ],
)
def test_a_status_means_one_thing(status, meaning):
    assert category(status) is meaning


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x0000, "0000 Success"),
        (0xA7FF, "A7FF Out of resources"),
        (0xC1A2, "C1A2 Cannot understand"),
        (0x1234, "1234 Unknown status"),
    ],
)
def test_a_status_in_words(status, words):
    assert describe(status) == words
