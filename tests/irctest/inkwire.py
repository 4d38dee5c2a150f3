"""How irctest, the public suite for IRC clients, runs this service: `make irctest`.

One network, no engine and nothing else, in a directory of its own. INKWIRE names the program.
"""

import json
import os
from typing import Optional, Type

from irctest import authentication, tls
from irctest.basecontrollers import BaseClientController, DirectoryBasedController


class InkwireController(BaseClientController, DirectoryBasedController):
    software_name = "inkwire"
    # A key that only this mechanism uses, and that hardly any network takes, is not supported.
    supported_sasl_mechanisms = {"PLAIN", "SCRAM-SHA-256", "EXTERNAL"}
    supports_sts = True

    def run(
        self,
        hostname: str,
        port: int,
        auth: Optional[authentication.Authentication],
        tls_config: Optional[tls.TlsConfig] = None,
    ) -> None:
        assert self.proc is None
        self.create_config()
        # The suite listens on every address and names that.
        host = "127.0.0.1" if hostname == "0.0.0.0" else hostname
        network = {"name": "test", "server": f"{host}:{port}", "tls": False, "nick": "ink"}
        environment = dict(os.environ)
        if tls_config:
            network["tls"] = tls_config.enable
            pins = tls_config.trusted_fingerprints
            network["pins"] = [f"sha256:{pin}" for pin in pins]
        if auth:
            network["sasl"] = {
                "account": auth.username,
                "mechanisms": [one.to_string() for one in auth.mechanisms],
            }
            environment["INKWIRE_IRC_TEST_SASL_PASSWORD"] = auth.password or ""
        config = {
            "state_dir": "state",
            "log": {"format": "json"},
            "media": {"public_url": "http://127.0.0.1:8780/", "listen": "127.0.0.1:0"},
            "telemetry": {"listen": "127.0.0.1:0"},
            "irc": [network],
        }
        assert self.directory
        file = self.directory / "inkwire.yaml"
        file.write_text(json.dumps(config))
        program = os.environ.get("INKWIRE", "inkwire")
        self.proc = self.execute([program, "run", "--config", file], env=environment)


def get_irctest_controller_class() -> Type[InkwireController]:
    return InkwireController
