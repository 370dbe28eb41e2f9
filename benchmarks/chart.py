"""The chart in the README: pages per second, a bar for each peer, light and dark."""

from typing import Any

from .report import NAMES

WIDTH, BAR, GAP, LEFT, TOP = 720, 26, 12, 200, 44
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1d2623; }
  .title { font-weight: 600; }
  .bar { fill: #93a39c; }
  .ours { fill: #1f7a5c; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6ece9; }
    .bar { fill: #55645d; }
    .ours { fill: #4fbf97; }
  }
"""


def draw(profile: dict[str, Any]) -> str:
    """Return the chart of GET /profile on granian as SVG."""
    rates = {name: each["per_second"] for name, each in profile["granian"]["peers"].items()}
    longest = max(rates.values())
    height = TOP + len(rates) * (BAR + GAP)
    bars = "".join(
        bar(name, rate, rate / longest, TOP + number * (BAR + GAP))
        for number, (name, rate) in enumerate(rates.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">\n'
        f"<style>{STYLE}</style>\n"
        '<text class="title" id="title" x="0" y="20">'
        "Signed-in profile pages a second, one core, granian</text>\n"
        f"{bars}</svg>\n"
    )


def bar(name: str, rate: float, share: float, top: int) -> str:
    """Return a name, a bar and its figure."""
    width = (WIDTH - LEFT - 70) * share
    middle = top + BAR * 0.7
    kind = "bar ours" if name == "vestibule" else "bar"
    return (
        f'<text x="{LEFT - 12}" y="{middle:.0f}" text-anchor="end">{NAMES[name]}</text>\n'
        f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{width:.0f}" height="{BAR}" rx="3"/>\n'
        f'<text x="{LEFT + width + 8:.0f}" y="{middle:.0f}">{rate:,.0f}</text>\n'
    )
