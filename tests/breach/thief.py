"""Tries everything that was stolen for everything that it could be good for.

Most of it is done offline: a candidate for a key is held against a bearer token that the thief, who has an account too,
has got in an ordinary way; one for a seed against codes that an app has shown; everything against the secrets that the
test knows. Whatever the server has to be asked, it is asked. Log-ins with passwords are slow on purpose, so of these
only the likeliest are tried online, what the database holds first; the comparison covers them all.
"""

import dataclasses
import re
import time

from breach import attempts, cracking, crypto, decoding

# The likeliest first.
KINDS = ("database", "log", "audit", "process", "metrics", "data", "backup", "core")
TOKEN = re.compile(rb"bh[a-z]+_[0-9A-Za-z]{20,}")
KEY_SIZES = range(16, 129)
SEED_SIZES = range(10, 65)


@dataclasses.dataclass(frozen=True)
class Finding:
    how: str
    where: str
    value: bytes

    def __str__(self):
        return f"{self.how}, from {self.where}: {self.value[:120]!r}"


@dataclasses.dataclass
class Report:
    findings: list
    strings: int = 0
    readings: int = 0
    bearers: int = 0
    passwords: int = 0
    keys: int = 0
    guesses: int = 0

    def ways(self):
        return {finding.how for finding in self.findings}

    def __str__(self):
        return (
            f"{self.strings} strings, {self.readings} readings; {self.keys} keys, {self.bearers} bearer tokens, "
            f"{self.passwords} log-ins, {self.guesses} guesses"
        )


class Thief:
    def __init__(self, loot, victim, words=(), password_seconds=6):
        self.loot = loot
        self.victim = victim
        self.words = words
        self.password_seconds = password_seconds
        self.report = Report([])
        self.readings = {}  # what: where from

    def rob(self):
        self._read()
        self._compare()
        self._try_keys()
        self._try_bearers()
        self._try_tokens()
        self._try_seeds()
        self._try_passwords()
        self._crack()
        return self.report

    def _found(self, how, where, value):
        self.report.findings.append(Finding(how, where, value))

    def _read(self):
        """Everything once, the likeliest first: stored values, then the rest by kind."""
        seen = set()

        def take(run, where):
            if len(run) < decoding.SHORTEST or run in seen:
                return
            seen.add(run)
            for reading in decoding.all_readings(run):
                self.readings.setdefault(reading, where)

        for cell in self.loot.cells:
            take(cell.value, f"{cell.table}.{cell.column}")
        for part in sorted(self.loot.parts, key=lambda part: KINDS.index(part.kind)):
            for run in decoding.runs(part.data):
                take(run, f"{part.kind} {part.name}")
        self.report.strings = len(seen)
        self.report.readings = len(self.readings)

    def _compare(self):
        """Known secrets, wherever they stand: in the bytes as they were taken, compressed ones unpacked, and in every
        decoding."""
        for part in self.loot.parts:
            for data in (part.data, decoding.unpack(part.data)):
                for secret in self.victim.vault.found_in(data, plain_only=part.kind == "core"):
                    self._found(f"{secret.kind} stored", f"{part.kind} {part.name}", secret.name.encode())
        joined = b"\0".join(self.readings)
        for secret in self.victim.vault.secrets:
            if secret.value in joined:
                where = next(where for reading, where in self.readings.items() if secret.value in reading)
                self._found(f"{secret.kind} stored", where, secret.name.encode())

    def _try_keys(self):
        """A key signs what the server has signed, or else gets a forged administrator's token in."""
        bearer = self.victim.thief_bearer
        candidates = [reading for reading in self.readings if len(reading) in KEY_SIZES]
        self.report.keys = len(candidates)
        administrator = self.victim.administrator
        for candidate in candidates:
            if crypto.signs(candidate, bearer):
                forged = crypto.forge(candidate, bearer, administrator.id, administrator.name)
                taken = attempts.bearers_let_in(self.victim.server, [forged.encode()], ["/v2/"])
                self._found("forged bearer" if taken else "signing key", self.readings[candidate], candidate)

    def _try_bearers(self):
        candidates = [reading for reading in self.readings if attempts.SENDABLE.fullmatch(reading)]
        self.report.bearers = len(candidates)
        for text in attempts.bearers_let_in(self.victim.server, candidates, self.victim.guarded_paths()):
            self._found("bearer", self.readings[text], text)

    def _try_tokens(self):
        """Whatever looks like a token, in a password's place; a setup token to make an administrator with."""
        tokens = {token for reading in self.readings for token in TOKEN.findall(reading)}
        for token in tokens:
            if token.startswith(b"bhsetup_") and attempts.sets_up(self.victim.server, token):
                self._found("administrator made", "log", token)
        pairs = [(account, token) for token in tokens for account in self.victim.account_names()]
        for account, token in attempts.passwords_let_in(self.victim.server, pairs, seconds=60)[0]:
            self._found("token log-in", account, token)

    def _try_seeds(self):
        seeds = [secret.value for secret in self.victim.vault.of_kind("seed")]
        moments = (time.time(), time.time() + 3600)
        shown = {tuple(crypto.one_time_code(seed, moment) for moment in moments) for seed in seeds}
        if not shown:
            return
        for candidate, where in self.readings.items():
            if len(candidate) in SEED_SIZES:
                codes = tuple(crypto.one_time_code(candidate, moment) for moment in moments)
                if codes in shown:
                    self._found("seed", where, candidate)

    def _try_passwords(self):
        """Findings of the comparison are confirmed first; then stored values, each for every account."""
        stored = {finding.value.decode() for finding in self.report.findings if finding.how == "password stored"}
        passwords = self.victim.vault.of_kind("password")
        known = [(secret.name, secret.value) for secret in passwords if secret.name in stored]
        cells = {cell.value for cell in self.loot.cells if cell.column in ("password_hash", "hash", "sealed")}
        likeliest = sorted(self.readings, key=lambda reading: reading not in cells)
        pairs = known + [
            (account, reading)
            for reading in likeliest
            if len(reading) <= 128
            for account in self.victim.account_names()[:2]
        ]
        found, self.report.passwords = attempts.passwords_let_in(self.victim.server, pairs, self.password_seconds)
        assert self.report.passwords >= min(len(pairs), len(known) + 2 * len(cells)), "too slow to try even the hashes"
        for account, password in found:
            self._found("password log-in", account, password)

    def _crack(self):
        data = b"\0".join([part.data for part in self.loot.parts if part.kind != "core"])
        stored = {each.text: each for each in cracking.stored_passwords(data)}
        keys = [reading for reading in self.readings if len(reading) in KEY_SIZES][:2000]
        self.report.guesses = len(stored) * len(self.words)
        for each in stored.values():
            word = cracking.crack(each, self.words, keys)
            if word is not None:
                self._found("cracked", each.text.decode(), word)
                for account in self.victim.account_names():
                    if attempts.logs_in(self.victim.server, account, word):
                        self._found("password log-in", account, word)
