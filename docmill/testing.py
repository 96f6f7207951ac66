"""For the tests of flows that use docmill: a provider on loopback that answers from a table.

    def test_a_bill_is_an_invoice():
        with docmill.testing.provider({"318.40": ["A bill.", "invoice", {"total": 318.4}]}) as endpoint:
            assert asyncio.run(my_flow(endpoint)) == "invoice"
        assert len(endpoint.requests) == 3

It is real HTTP in a thread, so tests may be sync or async; it imports neither Prefect nor pytest. Set
DOCMILL_CACHE to a directory of the test's own, else a reply of an earlier test may be taken from there,
and DOCMILL_RETRY_SCALE=0.01 where a test tries failures, so that it does not wait.
"""

from docmill.flows.api.answering import Answer, Answers, Request
from docmill.flows.api.testing import TestEndpoint, provider

__all__ = ["Answer", "Answers", "Request", "TestEndpoint", "provider"]
