"""The sandbox's time, told by the clock of the workshop."""

from orchestrator.job.record import Job
from tests.lifecycle.workshop import Workshop


def run_with_the_vendor(workshop: Workshop, job: Job) -> Job:
    """Run the job while the vendor's clock stands, but for the jumps that ours makes."""
    clock, seen = workshop.sandbox.world.clock, workshop.time_told.shift

    def together() -> bool:
        nonlocal seen
        with workshop.sandbox.world.lock:
            clock.advance((workshop.time_told.shift - seen).total_seconds())
        seen = workshop.time_told.shift
        return False

    with workshop.sandbox.world.lock:
        clock.tell(True)
    return workshop.run(job, until=together)
