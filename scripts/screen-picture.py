#!/usr/bin/env python3
"""Draws a terminal's screen as SVG: what `tmux capture-pane -e -p` prints on standard input, to standard output.

    screen-picture.py COLUMNS LINES TITLE <screen >picture.svg

Nothing is made up: each cell of the screen is where it was, in the colour that it had; only what is blank at the bottom is left out. The same
screen gives the same bytes. Understands the signs for bold, faint, reversed and underlined text and for colours, which is what tmux
writes; anything else is an error, so that no picture shows less than the screen did.
"""

import re
import sys
from xml.sax.saxutils import escape

CELL, LINE, MARGIN, BAR = 8.4, 18, 14, 30
# Of a dark terminal; by number, as xterm has them.
BASIC = ["#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#c9d1d9",
         "#6e7681", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc"]
INK, PAPER, RIM = "#c9d1d9", "#0d1117", "#21262d"


def color(number):
    if number < 16:
        return BASIC[number]
    if number >= 232:
        return "#" + f"{8 + 10 * (number - 232):02x}" * 3
    number -= 16
    return "#" + "".join(f"{0 if part == 0 else 55 + 40 * part:02x}" for part in (number // 36, number // 6 % 6, number % 6))


class Style:
    def __init__(self):
        self.ink = self.paper = None
        self.bold = self.faint = self.line = self.reversed = False

    def take(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0: self.__init__()
            elif code == 1: self.bold = True
            elif code == 2: self.faint = True
            elif code == 4: self.line = True
            elif code == 7: self.reversed = True
            elif code == 22: self.bold = self.faint = False
            elif code == 24: self.line = False
            elif code == 27: self.reversed = False
            elif 30 <= code <= 37: self.ink = BASIC[code - 30]
            elif 90 <= code <= 97: self.ink = BASIC[code - 82]
            elif 40 <= code <= 47: self.paper = BASIC[code - 40]
            elif 100 <= code <= 107: self.paper = BASIC[code - 92]
            elif code in (38, 48):
                kind = codes.pop(0)
                value = color(codes.pop(0)) if kind == 5 else "#%02x%02x%02x" % tuple(codes.pop(0) for _ in range(3))
                if code == 38: self.ink = value
                else: self.paper = value
            elif code == 39: self.ink = None
            elif code == 49: self.paper = None
            else: sys.exit(f"a sign that has no picture: {code}")

    def drawn(self):
        ink, paper = self.ink or INK, self.paper
        if self.reversed: ink, paper = paper or PAPER, ink
        look = f' fill="{ink}"'
        if self.bold: look += ' font-weight="bold"'
        if self.faint: look += ' opacity="0.55"'
        if self.line: look += ' text-decoration="underline"'
        return look, paper


def runs(text):
    """Pieces of one look each: where they begin, their text, how they are drawn. The look goes on from line to line."""
    place = 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", text):
        if part.startswith("\x1b["):
            STYLE.take(part[2:-1])
        elif "\x1b" in part:
            sys.exit("a sign that has no picture: " + repr(part))
        elif part:
            yield place, part, *STYLE.drawn()
            place += len(part)


STYLE = Style()
columns, title = int(sys.argv[1]), sys.argv[3]
screen = sys.stdin.read().split("\n")[:int(sys.argv[2])]
while screen and not re.sub(r"\x1b\[[0-9;]*m", "", screen[-1]).strip():
    screen.pop()
lines = len(screen)
width, height = 2 * MARGIN + columns * CELL, BAR + 2 * MARGIN + lines * LINE
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
      f' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="14">')
print(f'<title>{escape(title)}</title>')
print(f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/><path d="M0 {BAR}V8a8 8 0 0 1 8-8H{width - 8:.0f}a8 8 0 0 1 8 8V{BAR}z" fill="{RIM}"/>')
for place, dot in enumerate(("#ff5f56", "#ffbd2e", "#27c93f")):
    print(f'<circle cx="{18 + 20 * place}" cy="{BAR / 2:.0f}" r="6" fill="{dot}"/>')
print(f'<text x="{width / 2:.0f}" y="{BAR / 2 + 5:.0f}" fill="#8b949e" text-anchor="middle" font-size="13">{escape(title)}</text>')
for number, text in enumerate(screen):
    y = BAR + MARGIN + number * LINE
    for place, part, look, paper in runs(text):
        if paper:
            print(f'<rect x="{MARGIN + place * CELL:.1f}" y="{y}" width="{len(part) * CELL:.1f}" height="{LINE}" fill="{paper}"/>')
        blank = len(part) - len(part.lstrip(" "))
        part = part.strip(" ")
        if part:
            print(f'<text xml:space="preserve" x="{MARGIN + (place + blank) * CELL:.1f}" y="{y + 13}"'
                  f' textLength="{len(part) * CELL:.1f}" lengthAdjust="spacingAndGlyphs"{look}>{escape(part)}</text>')
print("</svg>")
