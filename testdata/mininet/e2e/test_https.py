"""The API over HTTPS with the certificate that the daemon makes itself."""

from __future__ import annotations

import ssl
import unittest
import urllib.error
from typing import List

from harness.api import Client
from harness.daemon import PROJECT, USER, Congad

from .case import Settings, title


class Https(unittest.TestCase):
    figures: List[str] = []

    def test_self_signed(self) -> None:
        """Who trusts the certificate gets in, who does not does not, and it is
        the same one after a restart."""
        congad = Congad(Settings.congad, Settings.directory / title(type(self)), plaintext=False)
        self.addCleanup(congad.stop)
        congad.start()
        api = congad.client()
        api.login(USER, PROJECT)
        a = api.create("10.0.0.1", "10.0.0.2")
        self.assertEqual("pending", api.get(a)["state"])
        with self.assertRaises(urllib.error.URLError) as refused:
            Client(congad.url).ready()
        self.assertIsInstance(refused.exception.reason, ssl.SSLCertVerificationError)
        congad.kill()
        congad.start()
        self.assertEqual(a, api.list()[0]["allocation_id"])
