"""Whether two samples come from the same distribution, whatever that is: the Mann-Whitney rank test."""

import math


def rank_test(left, right):
    """The two-sided p-value, by the normal approximation with correction for ties; for dozens of values or more."""
    n, m = len(left), len(right)
    values = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    rank_sum, ties, start = 0.0, 0, 0
    while start < len(values):
        end = start
        while end < len(values) and values[end][0] == values[start][0]:
            end += 1
        rank = (start + 1 + end) / 2
        rank_sum += rank * sum(1 for _, side in values[start:end] if side == 0)
        ties += (end - start) ** 3 - (end - start)
        start = end
    u = rank_sum - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance == 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))
