"""Plain pay, posted set-based, is line for line what the engine makes; who is unchanged is left alone, and nobody else."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction

from apps.compensation.models import LedgerEntry, PayoutCurrency, PayoutRun, RunState, Statement
from apps.compensation.rules.plain import is_plain
from apps.compensation.selectors import control
from apps.compensation.services import computation, runs
from apps.compensation.services.computation import UnableToCompute, compute_run
from apps.compensation.services.plans import load_plan_document, rules_of_document
from apps.leads.models import Capacity, EventKind
from apps.leads.services.record import Credit
from apps.reps.models import Quota, QuotaMeasure, Rep, RepRole
from tests.compensation import random_pay
from tests.compensation.conftest import JANUARY, Payroll, noon
from tests.compensation.plan_documents import COUNT, component, graduated, plan, whole
from tests.compensation.slow_oracle import PLACES

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
AT = noon(5, 2)
COLUMNS = [one.attname for one in LedgerEntry._meta.concrete_fields if one.attname not in ("id", "statement_id", "run_id")]
