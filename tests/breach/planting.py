"""What weaker programs would leave behind."""

import base64
import ctypes

from breach import crypto, decoding


def zstd(data):
    """Compressed, as a sealed segment of the journal is."""
    room = ctypes.create_string_buffer(len(data) + 1000)
    size = decoding.libzstd.ZSTD_compress(room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), 3)
    return room.raw[:size]


def unkeyed_hash(word, memory_kib=19456, passes=2):
    """As other programs store it: salt and output, no pepper."""
    salt = b"sixteen  of salt"
    output = crypto.argon2id(word, salt, memory_kib, passes)
    text = [base64.b64encode(each).rstrip(b"=").decode() for each in (salt, output)]
    return f"$argon2id$v=19$m={memory_kib},t={passes},p=1${text[0]}${text[1]}"


def badly_keyed_hash(word, key, memory_kib=19456, passes=2):
    """Our own form, the pepper being something that a thief can have."""
    salt = b"another  16 salt"
    prefix = f"$bulkhead$argon2id$v=19$m={memory_kib},t={passes},p=1$pepper=1${base64.b64encode(salt).decode()}$"
    mac = crypto.sha256_mac(key, prefix.encode() + crypto.argon2id(word, salt, memory_kib, passes))
    return prefix + base64.b64encode(mac).decode()
