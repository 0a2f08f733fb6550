"""A user in a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Dict

from mininet.topo import Topo

from harness import traffic
from harness.daemon import PROJECT, USER
from harness.lab import BOTTLENECK_LINK
from topologies import Diamond

from .case import ROOT, Case

WEB = ROOT.parents[1] / "web"
DPID = "000000000000000%d"


def lacking() -> str:
    """What of the page, or of what drives it, is not there; empty: all is."""
    for program in "node", "chromium":
        if not shutil.which(program):
            return "there is no " + program
    for file in "dist/index.html", "node_modules/puppeteer-core/package.json":
        if not (WEB / file).exists():
            return "the page is not built"
    return ""


class Browser:
    """Runs a script of web/test in these namespaces, and reads what it says."""

    def __init__(self, script: str, directory: Path, *args: str) -> None:
        self.errors = directory / "browser.log"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(["node", "test/" + script, *args], cwd=WEB, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, text=True)

    def said(self, step: str) -> Dict[str, Any]:
        """What it says at a step, which is to be the next."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {}
        if answer.get("step") != step:
            raise AssertionError("not %s: %s\n%s" % (step, line, self.errors.read_text(errors="replace")[-4000:]))
        return dict(answer)

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)


class Page(Case):
    options = {"links": [BOTTLENECK_LINK]}
    long = True

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def test_user(self) -> None:
        """Sign in, ask, watch, lose a link, extend, release, sign out."""
        why = lacking()
        if why:
            self.note("not driven: %s", why)
            return
        stream = traffic.Stream(self.lab.net, "h1", "h2")
        browser = Browser("mininet.mjs", self.lab.directory, self.lab.congad.url, USER, PROJECT, self.lab.net.address("h1"),
                          self.lab.net.address("h2"), DPID % 2, DPID % 3, str(shutil.which("chromium")))
        try:
            self.note("%d kbit/s shown", browser.said("carried")["rate"] // 1000)
            browser.said("watching")
            cut = time.time()
            self.lab.net.set_link("s1-eth3", False)
            moved = browser.said("moved")["at"] / 1000 - cut
            self.lab.net.set_link("s1-eth3", True)
            browser.go_on()
            browser.said("done")
        finally:
            self.lab.net.set_link("s1-eth3", True)
            browser.end()
            stream.abandon()
        self.note("the page showed the new path %.2f s after the cut", moved)
        self.assertLess(moved, 1)
