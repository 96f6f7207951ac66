"""Pictures in a request: behind the text of its last message, counted by their tokens, not their bytes."""

import json

import pytest

from docmill.schemas.endpoint import TOKENS_A_PICTURE, Endpoint
from docmill.schemas.errors import Unreadable
from docmill.tasks.chat.usage import Allowed
from docmill.tasks.checks.pictures import with_pictures
from docmill.tasks.checks.request import BYTES_PER_TOKEN, require_request, require_room

URL = "data:image/jpeg;base64," + "A" * 300_000
REQUEST = {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "t"}]}
ENDPOINT = Endpoint(base_url="https://models.example/v1", context_tokens=10_000, max_output_tokens=1000)


def test_pictures_stand_behind_the_text_of_the_last_message():
    messages = json.loads(with_pictures(REQUEST, (URL, URL)))["messages"]
    assert messages[0] == REQUEST["messages"][0]
    shown = {"type": "image_url", "image_url": {"url": URL}}
    assert messages[1] == {"role": "user", "content": [{"type": "text", "text": "t"}, shown, shown]}


def test_a_request_with_pictures_is_one_that_may_be_sent():
    require_request(json.loads(with_pictures(REQUEST, (URL,))))


def test_a_picture_counts_as_its_tokens_do():
    body = with_pictures(REQUEST, (URL, URL))
    counted = Allowed.of(json.loads(body), len(body), ENDPOINT).request_bytes
    assert 0 <= counted - 2 * TOKENS_A_PICTURE * BYTES_PER_TOKEN < 300


@pytest.mark.parametrize(("pictures", "fits"), [(3, True), (4, False)])
def test_a_context_holds_so_many_pictures(pictures: int, fits: bool):
    body = with_pictures(REQUEST, (URL,) * pictures)
    if fits:
        require_room(body, ENDPOINT)
    else:
        with pytest.raises(Unreadable, match="too long: about 10,6"):
            require_room(body, ENDPOINT)


def test_a_text_that_speaks_of_pictures_is_a_text():
    request = {**REQUEST, "messages": [{"role": "user", "content": f"image_url {URL[:100]}"}]}
    assert Allowed.of(request, 500, ENDPOINT).request_bytes == 500
