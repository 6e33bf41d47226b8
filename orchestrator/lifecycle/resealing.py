"""A change of the encryption keys: everything that older keys have sealed is sealed anew with the first one."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.secrets import Keyring, Unopenable
from orchestrator.store.sealed import SealedTexts

MOST_TRIES = 5  # a token that is refreshed meanwhile is sealed anew by that, or found at the next look


@dataclass(frozen=True, kw_only=True)
class Resealed:
    """How a change of keys went."""

    done: int
    unopenable: Sequence[str]  # what no key of ours opens


def reseal(texts: SealedTexts, keyring: Keyring) -> Resealed:
    """Seal anew what the first key has not sealed; harmless when repeated, or when it ends in the middle.

    Processes that run must have all the keys already. Afterwards the older keys open nothing that is left, unless
    `unopenable` names something: then keep them.
    """
    done = 0
    for _ in range(MOST_TRIES):
        changed, unopenable, overtaken = _round(texts, keyring)
        done += changed
        if not overtaken:
            break
    return Resealed(done=done, unopenable=unopenable)


def _round(texts: SealedTexts, keyring: Keyring) -> tuple[int, Sequence[str], int]:
    done, overtaken = 0, 0
    unopenable: list[str] = []
    for old in texts.all():
        if keyring.is_current(old.text):
            continue
        try:
            new = keyring.seal(keyring.open(old.text, old.context), old.context)
        except Unopenable:
            unopenable.append(old.what)
            continue
        if texts.replace(old, new):
            done += 1
        else:
            overtaken += 1
    return done, unopenable, overtaken
