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
WAYS = {"%016x" % 2: "s1-eth3", "%016x" % 3: "s1-eth4"}  # the ports of s1 by the switches behind them


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

    def ask(self, what: str = "") -> None:
        """Has it do something; with nothing to do it goes on."""
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)


class Page(Case):
    options = {"links": [BOTTLENECK_LINK]}
    long = True
    alone = True  # how soon the page shows something is measured

    @classmethod
    def topo(cls) -> Topo:
        return Diamond()

    def test_user(self) -> None:
        """Sign in, ask, watch, lose a link, extend, release, sign out."""
        why = lacking()
        if why:
            self.skipTest(why)
        stream = traffic.Stream(self.lab.net, "h1", "h2")
        browser = Browser("mininet.mjs", self.lab.directory, self.lab.congad.url, USER, PROJECT, self.lab.net.address("h1"),
                          self.lab.net.address("h2"), *WAYS, str(shutil.which("chromium")))

        def moved() -> float:
            browser.ask("watch")
            port = WAYS[browser.said("watching")["leaves"]]
            cut = time.time()
            self.lab.net.set_link(port, False)
            took = browser.said("moved")["at"] / 1000 - cut
            self.lab.net.set_link(port, True)
            self.lab.wait_links()
            return round(float(took), 2)

        try:
            self.note("%d kbit/s shown", browser.said("carried")["rate"] // 1000)
            took = self.measure("seconds from the cut until the page showed the new path", moved, lambda took: took < 1)
            browser.ask()
            browser.said("done")
        finally:
            for port in WAYS.values():
                self.lab.net.set_link(port, True)
            browser.end()
            stream.abandon()
        self.assertLess(took, 1)
