"""Families by id, by model type and by checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from vlmscope.errors import UnsupportedError
from vlmscope.models.cards import ModelCard
from vlmscope.models.decoders.family import Family
from vlmscope.models.encoders.dual import DualFamily
from vlmscope.registry import Registry

__all__ = ["AnyFamily", "FamilyRegistry"]

AnyFamily = Family | DualFamily


class FamilyRegistry(Registry[AnyFamily]):
    """Families by id; ids, model types and checkpoints belong to one family each.

    A family may take a model type with one vision tower alone; any other tower is left to the family
    that takes the type as it is.

    Args:
        members: the families.
        refused: model types that no family covers, each with the reason.
    """

    def __init__(
        self, members: Iterable[AnyFamily] = (), refused: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._refused = refused
        self._by_type: dict[str, AnyFamily] = {}
        self._by_tower: dict[tuple[str, str], AnyFamily] = {}
        self._by_foreign_type: dict[str, AnyFamily] = {}
        self._cards: dict[str, ModelCard] = {}
        super().__init__("family", members)

    def register(self, member: AnyFamily) -> AnyFamily:
        """Add a family.

        Raises:
            ValueError: when its id, one of its model types or one of its checkpoints is taken.
        """
        if member.id not in self.ids:
            self._check_free(member)
        super().register(member)
        tower = _tower(member)
        if tower is None:
            self._by_type.update(dict.fromkeys(member.model_types, member))
        else:
            keys = ((each, tower) for each in member.model_types)
            self._by_tower.update(dict.fromkeys(keys, member))
        self._by_foreign_type.update(dict.fromkeys(member.foreign_types, member))
        self._cards.update({each.id: each.card(member.id) for each in member.checkpoints})
        return member

    def for_model_type(self, model_type: str, where: str, tower: object | None = None) -> AnyFamily:
        """The family of a ``config.model_type``.

        Args:
            model_type: as transformers calls it.
            where: the model, for the message.
            tower: its ``vision_config``, a mapping or an object; None: it has none, or none is known.

        Raises:
            UnsupportedError: when no family covers it; says why, where that is known, or lists what
                is covered.
        """
        special = self._by_tower.get((model_type, _tower_type(tower)))
        if special is not None:
            return special
        if model_type in self._by_type:
            return self._by_type[model_type]
        if model_type in self._refused:
            raise UnsupportedError(
                f"{where} is of the type {model_type!r}, which vlmscope does not read: it "
                f"{self._refused[model_type]}. See `vlmscope models` for what it reads."
            )
        raise UnsupportedError(
            f"{where} is of the type {model_type!r}, which no family of vlmscope covers. "
            f"Covered: {', '.join(sorted(self._by_type))}. A new family is one file in "
            "vlmscope/models; see `vlmscope models`."
        )

    def for_config(self, config: Mapping[str, Any], where: str) -> AnyFamily:
        """The family of a ``config.json``.

        Args:
            config: what it says; it names a model type.
            where: the model, for the message.

        Raises:
            UnsupportedError: when no family covers it; says where the same weights are in
                transformers' format, if a family knows it.
        """
        model_type = config["model_type"]
        if model_type in self._by_foreign_type:
            return self._by_foreign_type[model_type]
        try:
            return self.for_model_type(model_type, where, config.get("vision_config"))
        except UnsupportedError as error:
            hints = [hint for each in self for hint in each.format_hints]
            instead = [hint.instead for hint in hints if hint.model_type == model_type]
            if not instead:
                raise
            raise UnsupportedError(
                f"{error} This is the format of the authors' own code; in that of transformers: "
                f"{', '.join(instead)}."
            ) from None

    def cards(self) -> tuple[ModelCard, ...]:
        """Cards of the embedded models and of well-known checkpoints, embedded first."""
        return tuple(sorted(self._cards.values(), key=lambda card: not card.embedded))

    def card_of(self, name: str, family: str) -> ModelCard:
        """The card of a known id; an unknown one gets its family's defaults."""
        return self._cards.get(name) or ModelCard(name, family)

    def _check_free(self, family: AnyFamily) -> None:
        tower = _tower(family)
        for model_type in family.model_types:
            holder = (
                self._by_type.get(model_type)
                if tower is None
                else self._by_tower.get((model_type, tower))
            )
            if holder is not None:
                raise ValueError(
                    f"The model type {model_type!r} belongs to the family {holder.id!r}."
                )
        for checkpoint in family.checkpoints:
            if checkpoint.id in self._cards:
                owner = self._cards[checkpoint.id].family
                raise ValueError(
                    f"The checkpoint {checkpoint.id!r} belongs to the family {owner!r}."
                )


def _tower(family: AnyFamily) -> str | None:
    """The one vision tower with which a family takes its model types; None: any."""
    return family.only_tower if isinstance(family, Family) else None


def _tower_type(tower: object | None) -> str:
    """The model type of a ``vision_config``; "" where it names none."""
    if isinstance(tower, Mapping):
        return str(tower.get("model_type", ""))
    return str(getattr(tower, "model_type", ""))
