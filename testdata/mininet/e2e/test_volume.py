"""So many bytes by a time, beside what others have reserved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Tuple

from mininet.topo import Topo

from harness import traffic
from harness.lab import BOTTLENECK, SHAPED, SHAPED_LINK
from harness.network import PROBE
from harness.wait import until
from topologies import Diamond

from .case import Case, Settings

VOLUME = 32_000_000  # bytes of frames that are asked for
PAYLOAD = 26_400_000  # bytes that TCP carries: headers, what it sends again and a start take the rest
LAG = 2  # seconds by which the switches' counters may lag; what an entry has not counted when it goes is lost
MOST = 24  # Mbit/s
BY = 40  # seconds from now
FLOOD = 52  # Mbit/s of payload, over links of 40
PORT = 5201
OTHER_LINK = {"a": "0000000000000001:4", "b": "0000000000000003:1", "capacity": SHAPED_LINK["capacity"]}


class Volume(Case):
    """h1 -> h2 has 32 MB to send over links of 40 Mbit/s, both of which have
    28 reserved for h3 -> h4 at first, the short one soon again 24. A little one
    is on the short link all the time: it keeps the flood below the link's rate,
    since a full port of Open vSwitch's takes the others' packets with it, see
    findings/ovs-full-port.sh."""

    fills = True
    options = {"links": [SHAPED_LINK, OTHER_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED, "s1-s3": SHAPED})

    def others(self) -> Dict[str, Any]:
        """Reserves what is in the way, and returns the second: until it ends
        there is no room that lasts."""
        ends = self.lab.net.address("h3"), self.lab.net.address("h4")
        for port, rate, seconds, start in (5300, 0.1, 90, None), (5301, 28, 12, None), (5302, 28, 14, None), (5303, 24, 60, "+20"):
            at = {} if start is None else {"start_time": start}
            a = self.lab.api.create(*ends, seconds, bandwidth=int(rate * 1_000_000), protocol="udp", dst_port=port, **at)
            if port == 5302:
                second = a
        return self.lab.wait_state(second, "active")

    def carry(self) -> Tuple[Dict[str, Any], float]:
        """Has conga run carry the payload, and returns what it was planned as
        and when it was done, in Unix time."""
        net = self.lab.net
        sender = ["mnexec", "-a", str(net.host("h1").pid), "sh", "-c", '"$@" && sleep %d' % LAG, "sh",
                  sys.executable, str(PROBE), "carry", net.address("h2"), str(PORT), str(PAYLOAD)]
        env = {**os.environ, "CONGA_SERVER": self.lab.congad.url, "CONGA_KEY": self.lab.api.key, "CONGA_PROJECT": self.lab.api.project,
               "XDG_CONFIG_HOME": str(Settings.directory)}
        receiver = net.probe("h2", "accept", PORT)
        try:
            running = subprocess.Popen(
                [str(Path(Settings.congad).with_name("conga")), "run", net.address("h1"), net.address("h2"), "--volume", "%dM" % (VOLUME // 1_000_000),
                 "--max", "%dM" % MOST, "--by", "+%ds" % BY, "--", *sender], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                mine = until(lambda: next((a for a in self.lab.api.list() if a.get("volume")), None), 10, "it is planned")
                planned = self.lab.api.get(mine["allocation_id"])
                out, said = running.communicate(timeout=BY + 20)
            finally:
                traffic.end(running)
        finally:
            traffic.end(receiver)
        self.assertEqual(running.returncode, 0, out + said)
        finding = json.loads(out.splitlines()[-1])
        self.assertEqual(finding["arrived"], PAYLOAD)
        return planned, finding["done"]

    def test_by_its_deadline(self) -> None:
        """It is planned around the others, carried beside a flood, and done in
        time; its receipt says what the hosts counted, in Ethernet frames."""
        net = self.lab.net
        with traffic.flood(net, "h3", "h4", FLOOD):
            second = self.others()
            before = net.sent_bytes("h1"), net.received_bytes("h2")
            planned, done = self.carry()
            sent, received = net.sent_bytes("h1") - before[0], net.received_bytes("h2") - before[1]
        self.assertEqual(self.lab.path(planned), ["s1", "s3", "s5", "s4"], "the short path has not the room for it")
        self.assertEqual(planned["start_time"], second["end_time"])
        self.assertEqual(planned["end_time"] - planned["start_time"], -(-8 * VOLUME // (MOST * 1_000_000)))
        self.assertLessEqual(done, planned["deadline"])
        receipt: Dict[str, Any] = until(lambda: self.final(planned["allocation_id"]), 40, "the receipt is final")
        forward = receipt["forward"]
        entered, delivered = forward["entered"]["bytes"], forward["delivered"]["bytes"]
        self.note("%.1f of %d s left; the hosts counted %d and %d bytes, the receipt %d and %d", planned["deadline"] - done, BY, sent, received,
                  entered, delivered)
        self.assertAlmostEqual(entered, sent, delta=0.02 * sent)
        self.assertAlmostEqual(delivered, received, delta=0.02 * received)
        self.assertEqual((receipt["asked"]["volume"], receipt["planned"]["start_time"]), (VOLUME, planned["start_time"]))

    def final(self, allocation: str) -> Any:
        receipt = self.lab.api.call("GET", "/api/v1/allocations/" + allocation)[0]["receipt"]
        return receipt if receipt is not None and receipt["final"] else None


class Steps(Case):
    """h1 -> h2 has more to send by its deadline than any rate carries all the
    time: from the tenth second on others have most of both links."""

    alone = True
    options = {"links": [SHAPED_LINK, OTHER_LINK]}

    @classmethod
    def topo(cls) -> Topo:
        return Diamond(bw={BOTTLENECK: SHAPED, "s1-s3": SHAPED})

    def test_rate_follows_the_steps(self) -> None:
        """Each step carries what it says, beside a flood, and no step of others is
        touched; what is held now is told."""
        net, api = self.lab.net, self.lab.api
        ends = net.address("h3"), net.address("h4")
        api.create(*ends, 90, bandwidth=100_000, protocol="udp", dst_port=5300)
        for port in 5301, 5302:  # one on each link
            api.create(*ends, 60, bandwidth=24_000_000, protocol="udp", dst_port=port, start_time="+12")
        body = {"project_id": api.project, "src_ip": net.address("h1"), "dst_ip": net.address("h2"), "dst_port": 5400,
                "volume": 48_000_000, "max_bandwidth": 28_000_000, "deadline": "+24"}
        made = api.call("POST", "/api/v1/allocations", body)[0]["allocation_id"]
        planned = api.call("GET", "/api/v1/allocations/" + made)[0]
        self.assertEqual(len(planned["profile"]), 2, planned)
        until(lambda: api.get(made)["state"] == "active", 10, "it is active")
        # It is planned anew if it begins a second later.
        steps = api.call("GET", "/api/v1/allocations/" + made)[0]["profile"]
        self.assertEqual(steps[0]["bandwidth"], 28_000_000)
        self.assertLess(steps[1]["bandwidth"], 16_000_000)
        with traffic.flood(net, "h3", "h4", FLOOD):
            first = traffic.offer(net, "h1", "h2", 36, 5400, 5)
            until(lambda: api.get(made)["bandwidth"] == steps[1]["bandwidth"], 15, "the second step has begun")
            second = traffic.offer(net, "h1", "h2", 36, 5400, 5)
        got = [x.arrived_bits / x.seconds / 1e6 for x in (first, second)]
        self.note("planned %s Mbit/s, of 36 offered %s arrive", [s["bandwidth"] // 10**6 for s in steps], ["%.1f" % g for g in got])
        self.assertGreater(got[0], 0.95 * 28)
        self.assertGreater(got[1], 0.95 * steps[1]["bandwidth"] / 1e6)
