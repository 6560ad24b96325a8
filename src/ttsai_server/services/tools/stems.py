"""Where the stems of a separation lie: each a result of its own, beside that of the task."""

from ttsai_server.services.parts import parts
from ttsai_server.services.result_json import published_stems
from ttsai_server.services.tools.processing import Processing
from ttsai_server.services.tools.separation import Separation
from ttsai_server.store.jobs import Job
from ttsai_server.store.results import Results


async def keep_stems(results: Results, job: Job, processing: Processing) -> bytes:
    """Put what was made into the store; the JSON that says where each stem is. May be repeated."""
    assert isinstance(processing.plan, Separation)
    addresses: dict[str, str] = {}
    for made in processing.made:
        stem, _, extension = made.name.partition(".")
        id = f"{job.id}-{stem}"
        await results.put(id, parts(made.file), account=job.account, name=made.name, content_type=made.content_type)
        addresses[stem] = f"{job.base_url}/v1/results/{id}.{extension}"
    return published_stems(job.id, processing.plan.asked, processing.seconds, addresses, job.credits)
