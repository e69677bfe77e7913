"""Every string in a pile of bytes, and everything that it could be in another encoding."""

import base64
import binascii
import ctypes
import ctypes.util
import json
import re
import urllib.parse
import zlib

SHORTEST = 8
# A longer run is text or content, no credential; its parts are looked at all the same.
LONGEST = 4096
RUN = re.compile(rb"[\x20-\x7e\x80-\xff]{%d,}" % SHORTEST)
ASCII_RUN = re.compile(rb"[\x20-\x7e]{%d,}" % SHORTEST)
# Where a log line, an URL, a stored hash or a line of a key file can be taken apart.
SEPARATOR = re.compile(rb"""[\s"'`,;&(){}\[\]<>|\\]+""")
FINE_SEPARATOR = re.compile(rb"""[\s"'`,;&(){}\[\]<>|\\=:$/@?#]+""")
HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}")
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
BASE32 = re.compile(rb"[A-Z2-7]{16,}=*")
GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
MOST_UNPACKED = 16 << 20

libzstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
libzstd.ZSTD_decompress.restype = ctypes.c_size_t
libzstd.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
libzstd.ZSTD_isError.argtypes = [ctypes.c_size_t]
libzstd.ZSTD_compress.restype = ctypes.c_size_t


def unzstd(data):
    """All frames one after the other, as sealed journal segments have them; b"" for what is none."""
    room = ctypes.create_string_buffer(MOST_UNPACKED)
    size = libzstd.ZSTD_decompress(room, MOST_UNPACKED, data, len(data))
    return b"" if libzstd.ZSTD_isError(size) else room.raw[:size]


def gunzip(data):
    try:
        return zlib.decompressobj(wbits=47).decompress(data, MOST_UNPACKED)
    except zlib.error:
        return b""


def unpack(data):
    """The content of compressed data; nothing when it is not compressed."""
    if data.startswith(GZIP):
        return gunzip(data)
    if data.startswith(ZSTD):
        return unzstd(data)
    return b""


def pieces(run):
    """The run itself and its parts, most of them twice: parted coarsely, so that tokens with = or : stay whole, and
    finely."""
    if len(run) <= LONGEST:
        yield run
        stripped = run.strip()
        if stripped != run:
            yield stripped
    for separator in (SEPARATOR, FINE_SEPARATOR):
        for part in separator.split(run):
            if SHORTEST <= len(part) <= LONGEST and part != run:
                yield part


def json_members(text):
    """All strings in a JSON text, names included."""
    try:
        waiting = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value.encode("utf-8", "surrogatepass")
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]


def decodings(text):
    """What `text` can be read as: one level."""
    if text[:1] in (b"{", b"[", b'"'):
        yield from json_members(text)
    if HEX.fullmatch(text):
        yield binascii.unhexlify(text)
    if BASE64.fullmatch(text):
        bare = text.rstrip(b"=")
        if len(bare) % 4 != 1:
            yield base64.b64decode(bare.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(bare) % 4))
    if BASE32.fullmatch(text):
        bare = text.rstrip(b"=")
        try:
            yield base64.b32decode(bare + b"=" * (-len(bare) % 8))
        except binascii.Error:
            pass
    if b"%" in text:
        yield urllib.parse.unquote_to_bytes(text)
    yield unpack(text)


def all_readings(run, levels=2):
    """The run, its pieces, and what they decode to, `levels` deep. Bytes that are no text are among them: keys are."""
    seen = set()
    waiting = [(piece, levels) for piece in pieces(run)]
    while waiting:
        piece, left = waiting.pop()
        if len(piece) < SHORTEST or piece in seen:
            continue
        seen.add(piece)
        yield piece
        if not left:
            continue
        for decoded in decodings(piece):
            if len(decoded) < SHORTEST or decoded in seen:
                continue
            if len(decoded) <= LONGEST:
                waiting.append((decoded, left - 1))
            for inner in ASCII_RUN.findall(decoded):
                if inner != decoded:
                    waiting += [(part, left - 1) for part in pieces(inner)]


def runs(data):
    """The printable runs of a file, and those that its compression hides."""
    yield from ASCII_RUN.findall(data)
    unpacked = unpack(data)
    if unpacked:
        yield from ASCII_RUN.findall(unpacked)


def spellings(secret):
    """The encodings in which a secret may stand inside other bytes, itself included: what a search looks for."""
    found = {secret, binascii.hexlify(secret), binascii.hexlify(secret).upper(), urllib.parse.quote(secret).encode()}
    found.add(json.dumps(secret.decode("latin-1"))[1:-1].encode())
    found.add(secret.decode("latin-1").encode("utf-16-le"))
    # In base64 a secret reads in one of three ways, by where it begins; its first and last characters mix with others.
    for shift in range(3):
        code = base64.b64encode(b"\0" * shift + secret + b"\0\0\0")
        first = (shift * 8 + 5) // 6
        last = (shift + len(secret)) * 8 // 6
        found |= {code[first:last], code[first:last].translate(bytes.maketrans(b"+/", b"-_"))}
    return {spelling for spelling in found if len(spelling) >= SHORTEST}
