"""Guessing stored passwords offline, as fast as their parameters allow."""

import base64
import concurrent.futures
import dataclasses
import os
import re

from breach import crypto

KEYED = re.compile(
    rb"(\$bulkhead\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$pepper=\d+\$([A-Za-z0-9+/]{22}==)\$)([A-Za-z0-9+/]{43}=)"
)
PLAIN = re.compile(rb"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})")


@dataclasses.dataclass(frozen=True)
class StoredPassword:
    """An Argon2id hash and, where the output is keyed (docs/formats/password.md), what the key is put over besides."""

    text: bytes
    memory_kib: int
    passes: int
    salt: bytes
    mac: bytes
    prefix: bytes | None  # None: the output itself is stored

    def output(self, word):
        return crypto.argon2id(word, self.salt, self.memory_kib, self.passes)

    def made_from(self, output, keys):
        """Whether this output is what was stored, as it is or under one of the keys."""
        if output == self.mac:
            return True
        return self.prefix is not None and any(
            crypto.sha256_mac(key, self.prefix + output) == self.mac for key in keys
        )


def stored_passwords(data):
    for prefix, memory, passes, salt, mac in KEYED.findall(data):
        yield StoredPassword(
            prefix + mac, int(memory), int(passes), base64.b64decode(salt), base64.b64decode(mac), prefix
        )
    for found in PLAIN.finditer(data):
        memory, passes, *encoded = found.groups()
        salt, output = (base64.b64decode(each + b"=" * (-len(each) % 4)) for each in encoded)
        yield StoredPassword(found.group(), int(memory), int(passes), salt, output, None)


def guessable_keys(stored):
    """What somebody who meant well might have used for a pepper."""
    return [b"", b"\0" * 32, b"pepper", b"bulkhead", b"secret", stored.salt, stored.prefix or b""]


def crack(stored, words, keys=()):
    """The word that the stored password was made from; None when it is not among `words`, as far as this can be told
    with `keys`, candidates for the pepper."""
    keys = [*guessable_keys(stored), *keys]

    def search(part):
        return next((word for word in part if stored.made_from(stored.output(word), keys)), None)

    workers = os.cpu_count() or 1
    size = max(1, min(500, len(words) // workers))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        found = pool.map(search, (words[start : start + size] for start in range(0, len(words), size)))
        return next((word for word in found if word is not None), None)
