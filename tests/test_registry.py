"""The one registry: ids are explicit, unique, and answered with the nearest."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from vlmscope.errors import UnknownNameError
from vlmscope.registry import Registry


class Fruit(NamedTuple):
    id: str


@pytest.fixture
def fruits() -> Registry[Fruit]:
    return Registry("fruit", [Fruit("pear"), Fruit("apple")])


def test_members_come_in_the_order_of_registration(fruits: Registry[Fruit]) -> None:
    plum = Fruit("plum")
    assert fruits.register(plum) is plum
    assert fruits.ids == ("pear", "apple", "plum")
    assert list(fruits) == [Fruit("pear"), Fruit("apple"), plum]
    assert len(fruits) == 3
    assert fruits.get("plum") is plum


def test_a_duplicate_raises_and_changes_nothing(fruits: Registry[Fruit]) -> None:
    first = fruits.get("pear")
    with pytest.raises(ValueError, match="A fruit with the id 'pear' is registered already"):
        fruits.register(Fruit("pear"))
    assert fruits.get("pear") is first
    assert len(fruits) == 2


def test_an_unknown_id_is_answered_with_the_nearest(fruits: Registry[Fruit]) -> None:
    with pytest.raises(UnknownNameError, match="Unknown fruit 'aple'. Did you mean 'apple'"):
        fruits.get("aple")


def test_only_some_may_be_asked_for(fruits: Registry[Fruit]) -> None:
    assert fruits.get("pear", among=("pear",)) == Fruit("pear")
    with pytest.raises(UnknownNameError, match=r"'apple'.*Known: pear\."):
        fruits.get("apple", among=("pear",))
