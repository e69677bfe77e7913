"""Stored passwords as weaker programs would write them."""

import base64

from breach import crypto


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
