"""What a thief computes: Argon2id, bearer tokens, one-time codes."""

import base64
import ctypes
import ctypes.util
import functools
import hashlib
import hmac
import json
import struct
import time
import uuid

ARGON2ID = 2
_sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
_sodium.sodium_init()
_sodium.crypto_pwhash.argtypes = [
    ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_char_p,
    ctypes.c_ulonglong, ctypes.c_size_t, ctypes.c_int,
]  # fmt: skip


def argon2id(password, salt, memory_kib, passes, length=32):
    """One lane. Other threads run meanwhile."""
    out = ctypes.create_string_buffer(length)
    assert len(salt) == 16, "libsodium takes no other salt"
    if _sodium.crypto_pwhash(out, length, password, len(password), salt, passes, memory_kib * 1024, ARGON2ID) != 0:
        raise MemoryError(f"Argon2id with {memory_kib} KiB")
    return out.raw


def sha256_mac(key, message):
    return hmac.digest(key, message, "sha256")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signs(key, token):
    """Whether the key is what the bearer token was signed with."""
    head, _, signature = token.rpartition(".")
    return hmac.compare_digest(sha256_mac(key, head.encode()), b64url_decode(signature))


def forge(key, token, account_id, account, credential_version=1, **claims):
    """A bearer token like `token`, for somebody else, with whatever rights there are."""
    head, payload, _ = token.split(".")
    now = int(time.time())
    body = json.loads(b64url_decode(payload)) | {
        "sub": str(account_id),
        "name": account,
        "ver": credential_version,
        "jti": uuid.uuid4().hex,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        **claims,
    }
    text = f"{head}.{b64url(json.dumps(body, separators=(',', ':')).encode())}"
    return f"{text}.{b64url(sha256_mac(key, text.encode()))}"


def one_time_code(seed, at, digest="sha1"):
    """RFC 6238: six digits of the half minute that `at` is in."""
    mac = hmac.digest(seed, struct.pack(">Q", int(at) // 30), digest)
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@functools.cache
def word_list(count=100_000):
    """A list such as is passed around, the same at each run: words, with the digits and signs that people add."""
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "or", "us")]
    state, words, seen = b"breach", [], set()
    while len(words) < count:
        state = hashlib.sha256(state).digest()
        parts = [syllables[byte % len(syllables)] for byte in state[: 3 + state[31] % 3]]
        word = "".join(parts)
        tail = ("", "1", "12", "123", "!", "2024", "99", "_x")[state[30] % 8]
        word = (word.capitalize() if state[29] % 3 == 0 else word) + tail
        if len(word) >= 8 and word not in seen:
            seen.add(word)
            words.append(word)
    return tuple(words)
