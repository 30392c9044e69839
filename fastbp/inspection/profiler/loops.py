"""Loops of compiled functions, found along the jumps: compilers put blocks of a loop anywhere, and others between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

_LABEL = re.compile(r"([\w.$]+):")
_LOCAL = re.compile(r"\.?L|l(?:tmp|CPI|JTI)\d")  # on macOS, too
_JUMP = re.compile(r"(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s.*?(\.?LBB\w+)$")
_ENDS = re.compile(r"(?:jmpq?|b|br|retq?|ud2|brk)(?:\s|$)")  # after which the next line is not reached
_ANYWHERE = re.compile(r"(?:jmpq?\s+\*|br\s)")  # jumps to where a table says


class _Block(NamedTuple):
    """Lines that run one after the other."""

    lines: list[str]
    targets: list[str]  # labels that its last line jumps to
    continues: bool  # whether the next block may follow
    anywhere: bool


class Loop(NamedTuple):
    """A loop without those within."""

    parts: list[tuple[list[str], float]]  # lines, and how often they run in a turn if all ways of a branch are alike
    innermost: bool

    @property
    def lines(self) -> list[str]:
        """All lines, in the order of the assembly."""
        return [line for lines, _ in self.parts for line in lines]


def loops(text: str) -> Iterator[Loop]:
    """Yield the loops in assembly, but for those of functions that only hand a call on from Python."""
    for lines in _functions(text):
        blocks = list(_blocks(lines))
        after = _successors(blocks)
        found = _natural_loops(after)
        for head, loop in found:
            inner = [other for _, other in found if other & loop == other != loop]
            own = [n for n in range(len(blocks)) if loop >> n & 1 and not any(other >> n & 1 for other in inner)]
            often = dict.fromkeys(own, 1.0) if inner else _often(head, loop, after)
            yield Loop([(blocks[n].lines, often[n]) for n in own], not inner)


def _functions(text: str) -> Iterator[list[str]]:
    """Yield the instructions and labels of each function."""
    name = ""

    def owner(line: str) -> str:
        nonlocal name
        label = _LABEL.match(line)
        name = label.group(1) if label and not _LOCAL.match(line) else name
        return name

    for function, body in groupby(text.splitlines(), owner):
        code = [line for line in body if _is_code(line)]
        if code and "cpython" not in function and not function.startswith(("cfunc", "_cfunc")):
            yield code


def _is_code(line: str) -> bool:
    line = line.strip()
    return bool(line) and not line.startswith(("#", "//", ";")) and (bool(_LABEL.match(line)) or line[0] != ".")


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Cut a function before each label and after each jump."""
    block: list[str] = []
    for line in lines:
        code = line.strip()
        jump, ends = _JUMP.match(code), bool(_ENDS.match(code))
        if _LABEL.match(line) and block:
            yield _Block(block, [], True, False)
            block = []
        block.append(line)
        if jump or ends:
            yield _Block(block, [jump.group(1)] if jump else [], not ends, bool(_ANYWHERE.match(code)))
            block = []
    if block:
        yield _Block(block, [], False, False)


def _successors(blocks: list[_Block]) -> list[set[int]]:
    """Return the numbers of the blocks that may follow each; last, those that the function may begin with."""
    labels = {label.group(1): n for n, block in enumerate(blocks) if (label := _LABEL.match(block.lines[0]))}
    after = [
        {labels[target] for target in block.targets if target in labels}
        | ({n + 1} if block.continues and n + 1 < len(blocks) else set())
        for n, block in enumerate(blocks)
    ]
    unreached = set(range(1, len(blocks))).difference(*after)
    tables = [n for n, block in enumerate(blocks) if block.anywhere]
    for n in tables:
        after[n] |= unreached
    return [*after, {0} if tables else {0} | unreached]


def _natural_loops(after: list[set[int]]) -> list[tuple[int, int]]:
    """Return head and blocks, as bits, of a loop for each jump back to a block that all ways to the jump pass."""
    start = len(after) - 1
    before: list[list[int]] = [[] for _ in after]
    for n, following in enumerate(after):
        for follower in following:
            before[follower].append(n)
    dominators = _dominators(before, start)
    found = []
    for n, following in enumerate(after):
        for head in following:
            if dominators[n] >> head & 1:
                loop, waiting = 1 << head, [n]
                while waiting:
                    block = waiting.pop()
                    if not loop >> block & 1:
                        loop |= 1 << block
                        waiting += before[block]
                found.append((head, loop))
    return list(dict.fromkeys(found))


def _dominators(before: list[list[int]], start: int) -> list[int]:
    """Return for each block which blocks all ways to it pass, itself included, as bits; all where none leads."""
    everything = (1 << len(before)) - 1
    found = [everything] * len(before)
    found[start] = 1 << start
    changed = True
    while changed:
        changed = False
        for n, ways in enumerate(before):
            common = everything
            for way in ways:
                common &= found[way]
            common |= 1 << n
            if n != start and common != found[n]:
                found[n], changed = common, True
    return found


def _often(head: int, loop: int, after: list[set[int]]) -> dict[int, float]:
    """Return how often each block of an innermost loop runs in a turn, if all ways of a branch are equally likely."""
    ways = {n: [m for m in following if loop >> m & 1] for n, following in enumerate(after) if loop >> n & 1}
    often = dict.fromkeys(ways, 0.0) | {head: 1.0}
    for n in _in_order(head, ways):
        for m in ways[n]:
            if m != head:
                often[m] += often[n] / len(ways[n])
    return often


def _in_order(head: int, ways: dict[int, list[int]]) -> list[int]:
    """Return the blocks of a loop, each before those that follow it in the same turn."""
    order, seen, waiting = [], {head}, [(head, iter(ways[head]))]
    while waiting:
        n, rest = waiting[-1]
        m = next((m for m in rest if m not in seen), None)
        if m is None:
            order.append(waiting.pop()[0])
        else:
            seen.add(m)
            waiting.append((m, iter(ways[m])))
    return order[::-1]
