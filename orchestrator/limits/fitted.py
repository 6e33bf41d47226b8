"""What a provider claims of its own window, told in ours."""

from collections.abc import Iterable
from dataclasses import replace

from orchestrator.limits.limit import Limit, News, QuotaLimit, RateLimit


def fitted(news: News, limits: Iterable[Limit]) -> News:
    """Return the news with its claimed amounts for the windows of `limits`: 100 in 10 s are 600 in a minute."""
    if not news.windows:
        return news
    ours = {limit.name: limit.window for limit in limits if isinstance(limit, RateLimit | QuotaLimit)}
    factors = {name: ours[name] / told for name, told in news.windows.items() if name in ours and told}
    return replace(news, limits={name: amount * factors.get(name, 1.0) for name, amount in news.limits.items()})
