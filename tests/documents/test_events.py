"""docs/formats/events.md lists every word that `login_failed` has as its detail."""

import re

from harness import paths

PAGE = (paths.ROOT / "docs" / "formats" / "events.md").read_text(encoding="utf-8")
# Where the sources give a reason: refusals with a word, vetoes, the constants of one place, states of accounts.
GIVEN = re.compile(
    r"""failed\([^;]*?"([a-z_]{5,})"|Veto\{\s*"([a-z_]+)"|reason(?: = |\()"([a-z_]+)"|"(workload_[a-z_]+|oidc_[a-z_]+)"|"""
    r"""namespace why \{(.*?)\}|asserted\.error\(\)\), account, "([a-z_]+)"|""" 
    r"""account, "(wrong_[a-z]+)", origin|return "(token_[a-z]+)";""",
    re.DOTALL,
)
# Actions, not reasons.
ACTIONS = {"workload_token_exchanged", "workload_trust_created", "workload_trust_removed"}


def reasons():
    found = set()
    for folder in ("identity", "api"):
        for source in (paths.ROOT / "src" / folder).rglob("*.cc"):
            if "tests" in source.parts or "fuzz" in source.parts:
                continue
            for match in GIVEN.finditer(source.read_text(encoding="utf-8")):
                words = [group for group in match.groups() if group]
                found.update(re.findall(r'"([a-z_]+)"', words[0]) if "constexpr" in words[0] else words)
    return found - ACTIONS


def test_every_reason_of_a_failed_log_in_is_listed():
    row = next(line for line in PAGE.splitlines() if line.startswith("| 68 |"))
    listed = set(re.findall(r"`([a-z_]+)`", row))
    assert reasons() >= {"unknown_account", "wrong_bearer", "password_login_off", "oidc_state_used", "wrong_code", "token_expired"}
    assert reasons() <= listed, sorted(reasons() - listed)
