"""One TLS server per cluster, on a loopback port of its own, with a certificate of one CA."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import kubernetes_controllers, kubernetes_objects
from .eks import clusters
from .eks.store import Cluster, now
from .http_server import Server
from .kubernetes_api import understand
from .kubernetes_objects import APIS, Api
from .rules import on_reset
from .wire import Answer, Call, Http

_HANDSHAKE_SECONDS = 30
_LIFE = timedelta(days=30)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: str, key: Any, issuer_key: Any, extensions: list[tuple[x509.ExtensionType, bool]]) -> x509.Certificate:
    """A certificate of the CA `kubernetes`, as the ones of EKS are."""
    builder = (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name("kubernetes")).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now() - timedelta(days=1)).not_valid_after(now() + _LIFE))
    extensions = [*extensions, (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
                  (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)]
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*granted: str) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
             "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in granted for name in names})


def _certificates() -> tuple[str, ssl.SSLContext]:
    """The CA's PEM, and the settings of a server with a leaf that the CA signed."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("kubernetes", ca_key, ca_key, [(x509.BasicConstraints(ca=True, path_length=0), True),
                                                     (_usage("key_cert_sign", "crl_sign"), True)])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = _certificate("kube-apiserver", key, ca_key, [
        (x509.BasicConstraints(ca=False, path_length=None), True), (_usage("digital_signature"), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False), (names, False)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:  # the module takes certificates from files only
        file = Path(folder, "server.pem")
        file.write_bytes(leaf.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context.load_cert_chain(file)
    return ca.public_bytes(Encoding.PEM).decode(), context


class TlsServer(Server):
    """The handshake is made in the thread of the connection, so that a slow client does not block others."""

    def __init__(self, context: ssl.SSLContext, reachable: threading.Event, handle: Callable[[Http], Answer]) -> None:
        super().__init__(0, handle)
        self._context, self._reachable = context, reachable

    def finish_request(self, request, client_address) -> None:
        if not self._reachable.is_set():
            self._reachable.wait()  # accepted, never answered; closed when the cluster is reachable again, or gone
            return
        request.settimeout(_HANDSHAKE_SECONDS)
        try:
            secure = self._context.wrap_socket(request, server_side=True)
        except OSError:  # a client that hangs up, or does not trust the CA
            return
        with secure:
            secure.settimeout(None)
            super().finish_request(secure, client_address)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"


class ApiServers:
    """The servers of all clusters."""

    def __init__(self, take: Callable[[Call, float], Answer]) -> None:
        self._take = take
        self._pem, self._context = _certificates()
        self._servers: dict[Api, TlsServer] = {}

    def start(self, cluster: Cluster) -> tuple[str, str]:
        """For a cluster that comes up: its endpoint, and the PEM of the CA."""
        api = Api(cluster)
        APIS[cluster.region, cluster.name] = api
        server = TlsServer(self._context, api.reachable, lambda http: self._handle(api, http))
        self._servers[api] = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server.url, self._pem

    def _handle(self, api: Api, http: Http) -> Answer:
        if not api.reachable.is_set():  # on a connection from before
            api.reachable.wait()
            return Answer(0, {}, b"")
        if not (api.lives and api.answering):
            return Answer(0, {}, b"")
        return self._take(understand(api, http), time.perf_counter())

    def end(self, cluster: Cluster) -> None:
        for api in [api for api in self._servers if api.cluster is cluster]:
            if api.lives:
                del APIS[cluster.region, cluster.name]
            self._close(api)

    def end_all(self) -> None:
        for api in list(self._servers):
            self._close(api)

    def _close(self, api: Api) -> None:
        """In a thread of its own: the end of a server waits for its loop, and we hold the emulator's lock."""
        server = self._servers.pop(api)
        api.reachable.set()
        threading.Thread(target=lambda: (server.shutdown(), server.server_close()), daemon=True).start()


def switch_on(take: Callable[[Call, float], Answer], act: Callable[[Call], Answer]) -> None:
    """From now on clusters have an API server. `take` does a call as a client's, `act` as one of a controller's (under the lock)."""
    servers = ApiServers(take)
    kubernetes_objects.SWITCHED_ON.set()
    kubernetes_controllers.ACT[:] = [act]
    clusters.API_SERVER_STARTS.append(servers.start)
    clusters.API_SERVER_ENDS.append(servers.end)
    on_reset(servers.end_all)
