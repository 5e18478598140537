"""How results look: cards and tables, in text and in HTML, with one style sheet and one escape function."""

from .views import (
    Badge,
    Card,
    Cell,
    Code,
    Diff,
    Link,
    Picture,
    Table,
    Time,
    View,
    ago,
    bytes_of,
    change,
    figure,
    short,
    span,
)  # fmt: skip

__all__ = [
    "Badge", "Card", "Cell", "Code", "Diff", "Link", "Picture", "Table", "Time", "View", "ago", "bytes_of", "change",
    "figure", "short", "span",
]  # fmt: skip
