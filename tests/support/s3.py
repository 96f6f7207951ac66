"""A real server on loopback that speaks S3, and buckets on it."""

import itertools
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import s3_backends

_numbers = itertools.count(1)


class Bucket:
    """A bucket of a test's own, filled past the server's HTTP: it takes any key, and quickly."""

    def __init__(self) -> None:
        self.name = f"bucket-{next(_numbers)}"
        self.url = f"s3://{self.name}"
        self._backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._backend.create_bucket(self.name, "us-east-1")

    def put(self, key: str, content: str | bytes) -> None:
        """Write an object."""
        self._backend.put_object(self.name, key, content if isinstance(content, bytes) else content.encode())

    def delete(self, key: str) -> None:
        """Take an object away."""
        self._backend.delete_object(self.name, key)

    def deny(self, action: str) -> None:
        """Permit an action to nobody."""
        statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self._backend.put_bucket_policy(self.name, json.dumps(policy).encode())


@contextmanager
def served() -> Iterator[ThreadedMotoServer]:
    """Serve on a free port of loopback."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def environment(server: ThreadedMotoServer) -> dict[str, str]:
    """Give the variables with which a client finds the server, and nothing else of AWS."""
    host, port = server.get_host_and_port()
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "a-key-of-the-tests",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": host,
    }


@pytest.fixture(scope="session")
def s3_server() -> Iterator[ThreadedMotoServer]:
    """Serve S3 as long as the session."""
    with served() as server:
        yield server


@pytest.fixture
def bucket(s3_server: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Give an empty bucket, and the environment that leads to it."""
    for name, value in environment(s3_server).items():
        monkeypatch.setenv(name, value)
    return Bucket()
