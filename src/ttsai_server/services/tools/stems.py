"""Where the stems of a separation lie: each a result of its own, beside that of the task."""

from ttsai_server.services.parts import parts
from ttsai_server.services.published import published_stems
from ttsai_server.services.tools.processing import Processing
from ttsai_server.services.tools.separation import Separation
from ttsai_server.store.results import Results
from ttsai_server.store.tasks import Task


async def keep_stems(results: Results, task: Task, processing: Processing) -> bytes:
    """Put what was made into the store; the JSON that says where each stem is. May be repeated."""
    assert isinstance(processing.plan, Separation)
    addresses: dict[str, str] = {}
    for made in processing.made:
        stem, _, extension = made.name.partition(".")
        id = f"{task.id}-{stem}"
        await results.put(id, parts(made.file), account=task.account, name=made.name, content_type=made.content_type)
        addresses[stem] = f"{task.base_url}/v1/results/{id}.{extension}"
    return published_stems(task.id, processing.plan.asked, processing.seconds, addresses, task.credits)
