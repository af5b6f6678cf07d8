"""Customers: the pass-on after the win, contracts, health, answers, departures, and how all of it is handled."""

from apps.customers.models.contracts import Contract
from apps.customers.models.handling import Handling
from apps.customers.models.pass_ons import PassOn, Promise
from apps.customers.models.readings import Churn, HealthReading, NpsAnswer

__all__ = ["Churn", "Contract", "Handling", "HealthReading", "NpsAnswer", "PassOn", "Promise"]
