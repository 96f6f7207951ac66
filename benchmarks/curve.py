"""The memory curve as an SVG picture: resident megabytes over documents done."""

WIDTH, HEIGHT, MARGIN = 720, 280, 64
Samples = list[tuple[int, float]]


def drawn(samples: Samples) -> str:
    """Draw the curve."""
    most = max(done for done, _ in samples) or 1
    ceiling = 100 * (int(max(mb for _, mb in samples) / 100) + 1)
    points = " ".join(f"{_x(done, most):.1f},{_y(mb, ceiling):.1f}" for done, mb in samples)
    marks = [_mark(mb, ceiling) for mb in range(0, ceiling + 1, 100)]
    ends = [_label(_x(done, most), HEIGHT - MARGIN + 18, f"{done:,}") for done in (0, most // 2, most)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
            ' font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *marks,
            *ends,
            _label(WIDTH / 2, HEIGHT - 8, "documents done"),
            f'<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="2"/>',
            "</svg>",
            "",
        ]
    )


def _x(done: float, most: int) -> float:
    return MARGIN + done / most * (WIDTH - 2 * MARGIN)


def _y(mb: float, ceiling: int) -> float:
    return HEIGHT - MARGIN - mb / ceiling * (HEIGHT - 2 * MARGIN)


def _mark(mb: int, ceiling: int) -> str:
    y = _y(mb, ceiling)
    line = f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>'
    return line + f'<text x="{MARGIN - 6}" y="{y + 4}" text-anchor="end">{mb} MB</text>'


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle">{text}</text>'
