"""The small parts of a page as template tags, built in to every template.

Tags that stand in the rows of a list build their markup from strings and cache what repeats: fifty rows must
stay cheap. Geometry comes from ``apps.portal.pictures``. No queries, no rules here.
"""

from apps.portal.templatetags.components import feedback, figures, fixed, forms, marks, promises
from apps.portal.templatetags.components.library import register

__all__ = ["feedback", "figures", "fixed", "forms", "marks", "promises", "register"]
