"""The secrets that the test itself has made or seen. A thief has none of them; the loot is held against them."""

import dataclasses
import functools

from breach import decoding


@dataclasses.dataclass(frozen=True)
class Secret:
    kind: str  # password, token, session, bearer, seed, code, key, canary
    name: str
    value: bytes

    @functools.cached_property
    def spellings(self):
        return decoding.spellings(self.value)


class Vault:
    def __init__(self):
        self.secrets = []

    def add(self, kind, name, value):
        value = value if isinstance(value, bytes) else value.encode()
        assert len(value) >= decoding.SHORTEST, f"{name} is too short to be told from chance"
        self.secrets.append(Secret(kind, name, value))
        return value

    def add_keyring(self, folder):
        """Every key, as bytes; searches find the text of its file too."""
        for path in sorted(folder.glob("*.keys")):
            for line in path.read_text().splitlines():
                version, text, *_ = line.split()
                self.add("key", f"{path.stem} {version}", bytes.fromhex(text))
        assert any(secret.kind == "key" for secret in self.secrets), f"no key was found in {folder}"

    def of_kind(self, *kinds):
        return [secret for secret in self.secrets if secret.kind in kinds]

    def found_in(self, data, plain_only=False):
        """The secrets that stand in `data` as they are or in one of their usual encodings."""
        for secret in self.secrets:
            if any(spelling in data for spelling in ((secret.value,) if plain_only else secret.spellings)):
                yield secret
