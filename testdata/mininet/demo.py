"""A priority path from beginning to end, step by step. Run by demo.sh."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Tuple

from harness import traffic
from harness.daemon import PROJECT, USER, Congad
from harness.lab import BOTTLENECK, BOTTLENECK_LINK, Lab
from harness.ovs import OpenVSwitch
from harness.traffic import Goodput
from topologies import Diamond

FLOOD = 200  # Mbit/s
DURATION = 25  # seconds that the priority path is for
PICTURE = """
    h1 -+                            +- h2       h1 sends a file to h2
        s1 ====== 100 Mbit/s ====== s2 -- s4
    h3 -+ \\                        / +- h4       h3 floods h4
           s3 -------- s5 --------+
"""


def say(text: str, *args: object) -> None:
    print("\n" + text % args if args else "\n" + text, flush=True)


class Commands:
    """Runs the conga client as a user would, and shows what it is asked."""

    def __init__(self, congad: Congad, directory: Path) -> None:
        der = ssl.PEM_cert_to_DER_cert(_first_certificate(congad.certificate().read_text()))
        self.environment = {
            **os.environ,
            "XDG_CONFIG_HOME": str(directory / "home"),
            "CONGA_SERVER": congad.url,
            "CONGA_FINGERPRINT": hashlib.sha256(der).hexdigest(),
        }

    def __call__(self, *args: str) -> str:
        """Runs one command; what it prints is shown, indented."""
        print("  $ conga " + " ".join(args), flush=True)
        done = subprocess.run([os.environ["CONGA"], *args], env=self.environment, input="\n", text=True,
                              capture_output=True, timeout=60)
        for line in (done.stderr + done.stdout).splitlines():
            print("    " + line, flush=True)
        if done.returncode != 0:
            raise RuntimeError("conga %s: exit status %d" % (args[0], done.returncode))
        return done.stdout


def _first_certificate(pem: str) -> str:
    end = "-----END CERTIFICATE-----"
    return pem[pem.index("-----BEGIN CERTIFICATE-----"):pem.index(end) + len(end)] + "\n"


def show_entries(lab: Lab) -> None:
    found = lab.entries()
    if not found:
        print("  No switch holds an entry of an allocation.")
    for switch, entries in found.items():
        for e in entries:
            print("  %s  %s  ->  %s" % (switch, e.match, e.actions))
    sys.stdout.flush()


def measure(lab: Lab) -> Goodput:
    result = traffic.transfer(lab.net, "h1", "h2", flooding="h3")
    print("  iperf3 from h1 to h2: %s   (h3 floods with %.0f Mbit/s)" % (result, result.flood), flush=True)
    return result


def story(lab: Lab, directory: Path) -> List[Tuple[str, Goodput]]:
    say("1. Five Open vSwitch switches and four hosts, and congad as their controller.")
    print(PICTURE, end="", flush=True)
    began = time.monotonic()
    lab.start()
    print("  All hosts reach each other after %.0f s." % (time.monotonic() - began), flush=True)
    conga = Commands(lab.congad, directory)

    say("2. Others flood the link that both need: %d Mbit/s of UDP on 100 Mbit/s.", FLOOD)
    with traffic.flood(lab.net, "h3", "h4", FLOOD):
        results = [("under the flood, without an allocation", measure(lab))]

        say("3. A priority path of 40 Mbit/s is asked for, for %d seconds.", DURATION)
        conga("login", "--user", USER, "--project", PROJECT)
        allocation = conga("allocate", lab.net.address("h1"), lab.net.address("h2"), "--duration", "%ds" % DURATION,
                           "--bandwidth", "40M", "--wait", "-o", "id").strip()
        print("  Its flow entries, in the switches of the path and no others, in both directions:")
        show_entries(lab)
        results.append(("with an allocation of 40 Mbit/s", measure(lab)))

        say("4. Its time is over.")
        lab.wait_state(allocation, "complete", 2 * DURATION)
        conga("show", allocation)
        show_entries(lab)
        results.append(("after it completed", measure(lab)))
    return results


def main() -> int:
    directory = Path(tempfile.mkdtemp(prefix="conga-demo."))
    began = time.monotonic()
    switches = OpenVSwitch(directory / "ovs")
    lab = Lab(Diamond(bw={BOTTLENECK: 100}), os.environ["CONGAD"], directory / "lab", plaintext=False,
              links=[BOTTLENECK_LINK])
    try:
        switches.start()
        try:
            results = story(lab, directory)
        finally:
            lab.stop()
    except KeyboardInterrupt:
        return 130
    except Exception as e:
        print("\nThe demo failed: %s\nLast lines of congad:\n%s\nLogs: %s" % (
            e, lab.congad.tail() if lab.congad.log.exists() else "", directory), file=sys.stderr)
        return 1
    finally:
        switches.stop()
    shutil.rmtree(directory)
    say("TCP transfer from h1 to h2 over a link of 100 Mbit/s")
    print("  " + "-" * 58)
    for what, result in results:
        print("  %-42s %8.1f Mbit/s" % (what, result.mbits))
    print("  " + "-" * 58)
    print("  %.0f s in all" % (time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
