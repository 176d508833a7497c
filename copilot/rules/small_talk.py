"""Small talk: what is said to greet, to thank or to ask who answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from copilot.rules.plans import Plan

_ABILITIES: Final = (
    "I answer questions about your documents with quotations, and about your workflows, their "
    "runs, blocks and templates."
)


@dataclass(frozen=True)
class SmallTalk:
    """A kind of small talk: typical requests, and the reply."""

    requests: Sequence[str]
    reply: str

    def build(self, _: str, __: Collection[str]) -> Plan:
        """Build the plan: no calls, only the reply."""
        return Plan((), lambda _: self.reply)


SMALL_TALK: Final[Mapping[str, SmallTalk]] = MappingProxyType(
    {
        "greeting": SmallTalk(
            ("Hello!", "Hi there", "Hi, how are you?", "Hey", "Good morning.", "Good evening.",
             "Hallo", "Guten Tag", "Hallo, wie geht's?", "Hola", "¡Hola! ¿Qué tal?", "Buenos días",
             "Bonjour", "Salut", "Bonjour, ça va ?"),
            f"Hello! {_ABILITIES} What would you like to know?",
        ),
        "thanks": SmallTalk(
            ("Thanks!", "Thank you very much.", "That was helpful.", "Danke!", "Vielen Dank",
             "Gracias", "Muchas gracias", "Merci !", "Merci beaucoup"),
            "You are welcome. Ask whenever there is more.",
        ),
        "farewell": SmallTalk(
            ("Goodbye.", "Bye", "See you later.", "Tschüss", "Adiós", "Au revoir"),
            "Goodbye!",
        ),
        "abilities": SmallTalk(
            ("Who are you?", "What can you do?", "What can you help me with?", "Was kannst du?",
             "¿Qué puedes hacer?", "Que peux-tu faire ?"),
            f"{_ABILITIES} What would you like to know?",
        ),
    }
)  # fmt: skip
