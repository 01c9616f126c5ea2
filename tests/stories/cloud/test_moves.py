"""What becomes of a run whose sandbox gets another key, is paused, or is deleted under it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.cloud.cloud import FakeCloud
from tests.servers import RealServer
from tests.teller import begin, ended

COUNT = "for n in 1 2 3 4 5 6; do echo line $n; sleep 0.5; done; exit 3"
WHOLE = "".join(f"line {n}\n" for n in range(1, 7))


@pytest.fixture
def cloud(server: RealServer) -> Iterator[FakeCloud]:
    with FakeCloud(server) as cloud:
        server.cloud = cloud
        try:
            yield cloud
            assert cloud.left == []
        finally:
            server.cloud = None


@pytest.mark.parametrize("move", ["rotate", "pause"])
async def test_it_is_followed_to_its_true_end(server: RealServer, cloud: FakeCloud, move: str) -> None:
    story = begin(server, {"main.sh": COUNT}, patience=120)
    await story.watcher.sees("line 2")
    getattr(cloud, move)(cloud.boxes[0].id)
    outcome = await story.ends(within=40)
    assert ended(outcome) == ("failure", "exit-code")
    assert outcome.verdict.exit_code == 3
    assert outcome.output.text() == WHOLE


async def test_its_new_key_is_masked_like_the_old_one(
    server: RealServer, cloud: FakeCloud, tmp_path: Path
) -> None:
    """What runs in it can read the key of the server that it is a part of."""
    file = tmp_path / "key"
    waits = f"echo up; until [ -e {file} ]; do sleep 0.1; done; echo key $(cat {file}); exit 3"
    story = begin(server, {"main.sh": waits}, patience=120)
    await story.watcher.sees("up")
    [box] = cloud.boxes
    old = box.gate.key
    cloud.rotate(box.id)
    file.write_text(f"{box.gate.key} {old}\n")
    outcome = await story.ends(within=40)
    assert outcome.output.text() == "up\nkey *** ***\n"
    assert box.gate.key not in story.watcher.text


async def test_one_that_is_gone_is_not_waited_for(server: RealServer, cloud: FakeCloud) -> None:
    story = begin(server, {"main.sh": "echo up; sleep 307"}, patience=120)
    await story.watcher.sees("up")
    cloud.forget(cloud.boxes[0].id)
    outcome = await story.ends(within=20)
    assert ended(outcome) == ("failure", "server-lost")
    assert "is gone, and what ran in it with it" in outcome.verdict.sentence
    for each in server.processes("sleep 307"):
        each.kill()
