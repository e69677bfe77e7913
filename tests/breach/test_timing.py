"""Log-ins for known and unknown names take the same time, as far as a rank test can tell."""

import os
import random
import statistics
import time

import pytest

from breach import attempts, filling
from breach.ranks import rank_test
from harness import raw

PAIRS = 10_000 if os.environ.get("BULKHEAD_TEST_LONG") else 400
# The chance that a correct server fails; a difference that somebody could use has a far smaller p-value than this.
ALPHA = 1e-4
NAMES = {"known": "alice", "unknown": "nobody-here"}


def failed_log_in(connection, name, password=b"not the password"):
    """Its answer and how long that took."""
    headers = {"Authorization": attempts.basic(name, password)}
    started = time.perf_counter()
    response = connection.request("GET", "/token?service=bulkhead&scope=registry:catalog:*", headers)
    return response, time.perf_counter() - started


def sample(server, names, pairs, rng):
    """Seconds by kind of name; the kinds take turns in random order, so that whatever else the machine does hits all
    of them alike."""
    taken = {kind: [] for kind in names}
    with raw.Connection(server) as connection:
        for _ in range(pairs):
            for kind in rng.sample(sorted(names), len(names)):
                response, seconds = failed_log_in(connection, names[kind])
                assert response.status == 401, f"{response.status} {response.body}"
                taken[kind].append(seconds)
    return taken


def test_known_and_unknown_names_take_the_same_time(installation, result_line):
    taken = sample(installation.server, NAMES, PAIRS, random.Random())
    p = rank_test(taken["known"], taken["unknown"])
    middle = {kind: 1000 * statistics.median(values) for kind, values in taken.items()}
    result_line(
        f"{PAIRS} log-ins each, known names in {middle['known']:.2f} ms, unknown ones in {middle['unknown']:.2f} ms "
        f"(medians); rank test p = {p:.3g}"
    )
    assert p > ALPHA
    # The same times, had the server answered one kind a little later: that would have been seen.
    quarters = statistics.quantiles(taken["unknown"], n=4)
    late = [seconds + (quarters[2] - quarters[0]) / 2 for seconds in taken["known"]]
    assert rank_test(late, taken["unknown"]) < ALPHA


def test_a_server_that_hashes_for_known_names_only_is_seen(installation):
    """The classical mistake, in ten log-ins: an unknown name whose answer does not wait for a hash."""
    taken = sample(installation.server, NAMES, 20, random.Random())
    with raw.Connection(installation.server) as connection:
        early = []
        for _ in range(20):
            started = time.perf_counter()
            connection.request("GET", "/token?service=bulkhead", {"Authorization": "Basic !"})
            early.append(time.perf_counter() - started)
    assert rank_test(taken["known"], early) < ALPHA


@pytest.mark.parametrize(
    "name, password",
    [
        ("alice", b"not the password"),
        ("retired", b"not the password"),
        ("retired", filling.STRONG["retired"].encode()),
        ("Nobody!", b"not the password"),
        ("alice", b"x" * 5000),
        ("alice", b""),
    ],
)
def test_answers_are_the_same(installation, name, password):
    """As for a name that nobody has: status, headers and body, but for what numbers the request."""
    answers = []
    with raw.Connection(installation.server) as connection:
        for pair in (("nobody-here", b"not the password"), (name, password)):
            response, _ = failed_log_in(connection, *pair)
            headers = {key: value for key, value in response.headers.items() if key not in ("date", "x-request-id")}
            answers.append((response.status, headers, response.body))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["retired", "Nobody!"])
def test_no_other_name_is_quicker(installation, name):
    taken = sample(installation.server, {"known": "alice", "other": name}, 60, random.Random())
    assert rank_test(taken["known"], taken["other"]) > ALPHA


def test_rank_test_itself():
    """It says nothing where there is nothing, and something where there is."""
    rng = random.Random(1)
    same = [rank_test(*([rng.expovariate(1) for _ in range(100)] for _ in range(2))) for _ in range(500)]
    assert 10 <= sum(p < 0.05 for p in same) <= 45
    left = [rng.gauss(0, 1) for _ in range(400)]
    assert rank_test(left, [rng.gauss(0.6, 1) for _ in range(400)]) < ALPHA
    assert rank_test(left, left) > 0.99
    assert rank_test([1.0] * 50, [1.0] * 50) == 1.0
    # By hand: ranks 1 2 3 against 4 5 6, U = 0, z = (4.5 - 0.5) / sqrt(5.25).
    assert abs(rank_test([1, 2, 3], [4, 5, 6]) - 0.0808556) < 1e-6
