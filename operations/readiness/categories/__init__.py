"""What is assessed: a module a category, in the order of the page."""

from operations.readiness.categories import (
    data,
    documentation,
    experience,
    infrastructure,
    monitoring,
    performance,
    security,
    tested,
)
from operations.readiness.vocabulary import Item

__all__ = ["ITEMS", "by_code"]

ITEMS: tuple[Item, ...] = (
    *infrastructure.ITEMS,
    *security.ITEMS,
    *performance.ITEMS,
    *monitoring.ITEMS,
    *data.ITEMS,
    *experience.ITEMS,
    *documentation.ITEMS,
    *tested.ITEMS,
)
by_code: dict[str, Item] = {item.code: item for item in ITEMS}
