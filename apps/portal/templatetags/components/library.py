"""The one library of tags that all modules of this package register in."""

from django import template

register = template.Library()
