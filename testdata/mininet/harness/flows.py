"""Flow entries as `ovs-ofctl dump-flows` prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterable, List, Set, Tuple

from .ovs import ofctl

TAG = 0xC09A  # top 16 bits of CONGA's cookies; the kind is in bits 40 to 43
CONTROL, FORWARD, ALLOCATION = 1, 2, 3


@dataclass(frozen=True)
class Entry:
    """One flow entry of a switch."""

    cookie: int
    table: int
    priority: int
    match: str
    actions: str
    duration: float  # seconds
    packets: int
    bytes: int

    @property
    def ours(self) -> bool:
        return self.cookie >> 48 == TAG

    @property
    def kind(self) -> int:
        """Kind of one of CONGA's entries, 0 for somebody else's."""
        return self.cookie >> 40 & 0xF if self.ours else 0

    @property
    def key(self) -> Tuple[int, int, str]:
        """What makes it this entry and no other."""
        return self.table, self.priority, self.match

    def field(self, name: str) -> str:
        """Value of a match field, or ""."""
        found = re.search(r"(?:^|,)%s=([^,]*)" % re.escape(name), self.match)
        return found.group(1) if found else ""

    @property
    def src(self) -> str:
        return self.field("nw_src") or self.field("ipv6_src")

    @property
    def dst(self) -> str:
        return self.field("nw_dst") or self.field("ipv6_dst")


_LINE = re.compile(
    r"cookie=(?P<cookie>0x[0-9a-f]+), duration=(?P<duration>[0-9.]+)s, table=(?P<table>\d+), "
    r"n_packets=(?P<packets>\d+), n_bytes=(?P<bytes>\d+), (?P<rest>.*) ?actions=(?P<actions>.*)$"
)
_FLAGS = re.compile(r"^(?:(?:send_flow_rem|check_overlap|reset_counts|no_packet_counts|no_byte_counts|"
                    r"(?:idle_timeout|hard_timeout|idle_age|hard_age|importance)=\d+,?) ?)+")


def parse(text: str) -> List[Entry]:
    """Reads what dump-flows prints."""
    entries = []
    for line in text.splitlines():
        found = _LINE.search(line)
        if not found:
            if "cookie=" in line:
                raise ValueError("cannot read flow entry: " + line)
            continue
        fields = _FLAGS.sub("", found["rest"].strip()).split(",")
        priority = 32768
        match = []
        for f in fields:
            if f.startswith("priority="):
                priority = int(f[len("priority="):])
            elif f:
                match.append(f.strip())
        entries.append(Entry(
            cookie=int(found["cookie"], 16), table=int(found["table"]), priority=priority, match=",".join(match),
            actions=found["actions"], duration=float(found["duration"]), packets=int(found["packets"]),
            bytes=int(found["bytes"]),
        ))
    return entries


def dump(switch: str) -> List[Entry]:
    """All entries of a switch."""
    return parse(ofctl("dump-flows", switch))


def allocated(switches: Iterable[str]) -> Dict[str, List[Entry]]:
    """The allocations' entries, by switch; switches without any are left out."""
    found = {name: [e for e in dump(name) if e.kind == ALLOCATION] for name in switches}
    return {name: entries for name, entries in found.items() if entries}


def directions(entries: Iterable[Entry]) -> Set[Tuple[str, str]]:
    """The (source, destination) pairs that entries match."""
    return {(e.src, e.dst) for e in entries}
