"""The tasks: addressed envelopes, each one call, harmless when repeated, late or lost."""

from celery import shared_task

from workers.process import runtime


@shared_task(name="bulk.split")
def split(step_id: int) -> None:
    """Take a split step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.create")
def create(step_id: int) -> None:
    """Take a create step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.upload")
def upload(step_id: int) -> None:
    """Take an upload step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.release")
def release(step_id: int) -> None:
    """Take a release step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.poll")
def poll(step_id: int) -> None:
    """Take a poll step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.fetch")
def fetch(step_id: int) -> None:
    """Take a fetch step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.finish")
def finish(step_id: int) -> None:
    """Take a finish step further."""
    runtime().lifecycle.take_turn(step_id)


@shared_task(name="bulk.abort")
def abort(step_id: int) -> None:
    """Take an abort step further."""
    runtime().lifecycle.take_turn(step_id)


# No events for what beat repeats all day: it would fill Flower's memory and hide the jobs.
@shared_task(name="worker.prove", send_events=False)
def prove() -> None:
    """Prove that this queue is consumed."""
    runtime().prove()


@shared_task(name="control.tick", send_events=False)
def tick() -> None:
    """Hint at what is due in every budget."""
    runtime().upkeep.tick()


@shared_task(name="control.day_turn", send_events=False)
def day_turn() -> None:
    """Let throttled jobs go on whose day has turned."""
    runtime().upkeep.day_turn()


@shared_task(name="control.schedules", send_events=False)
def schedules() -> None:
    """Start the jobs whose hour has come."""
    runtime().upkeep.fire_schedules()


@shared_task(name="control.sweep", send_events=False)
def sweep() -> None:
    """Tidy up what nobody needs any longer."""
    runtime().upkeep.sweep()


@shared_task(name="control.reap", send_events=False)
def reap() -> None:
    """Stop what is left over at the vendors."""
    runtime().upkeep.reap()


@shared_task(name="control.tidy", send_events=False)
def tidy() -> None:
    """Forget what is older than the retention, and objects that nothing names."""
    runtime().upkeep.tidy()


@shared_task(name="notify.deliver", send_events=False)
def deliver() -> None:
    """Deliver the webhooks that are due."""
    runtime().upkeep.deliver()
