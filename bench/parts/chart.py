"""Bars of each figure in relation to its target, on a logarithmic scale, as SVG."""

import html
import math

ROW, LEFT, WIDTH, RIGHT, TOP = 26, 360, 420, 130, 46
LEAST, MOST = 1 / 4, 8  # of the target


def _position(score):
    clamped = min(max(score, LEAST), MOST)
    return LEFT + WIDTH * math.log(clamped / LEAST) / math.log(MOST / LEAST)


def _label(result):
    beside = f" / {result.other_name}" if result.other_name else ""
    return html.escape(result.name + beside)


def _value(result):
    if result.other_name:
        return f"{result.ratio:.2f}x of ≥ {result.target:g}x"
    return f"{result.ours:.0f} of ≤ {result.target:g} {result.unit}"


def render(results):
    results = [result for result in results if result.target is not None]
    height = TOP + ROW * len(results) + 16
    width = LEFT + WIDTH + RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        "<title>Each figure in relation to its target</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for mark in (0.25, 0.5, 1, 2, 4, 8):
        x = _position(mark)
        colour, stroke = ("#222222", 1.5) if mark == 1 else ("#dddddd", 1)
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 12}" stroke="{colour}" '
            f'stroke-width="{stroke}"/>'
        )
        text = "target" if mark == 1 else f"{mark:g}x"
        parts.append(f'<text x="{x:.1f}" y="{TOP - 14}" text-anchor="middle" fill="#444444">{text}</text>')
    for row, result in enumerate(results):
        y = TOP + ROW * row
        end = _position(result.score)
        colour = "#2b7a5b" if result.reached else "#b5482f"
        parts.append(f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end" fill="#222222">{_label(result)}</text>')
        parts.append(
            f'<rect x="{LEFT}" y="{y + 3}" width="{max(end - LEFT, 1):.1f}" height="{ROW - 9}" fill="{colour}"/>'
        )
        parts.append(f'<text x="{end + 6:.1f}" y="{y + 15}" fill="#222222">{_value(result)}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
