"""Who may take which of this app's routes."""

from typing import Any

from rules.predicates import predicate

from apps.accounts.models import Role
from apps.accounts.policies import has_role
from apps.core.policies import Policy

_sellers = (Role.AE, Role.AM, Role.CSM)


@predicate
def gives_it(user: Any, pass_on: Any) -> bool:
    """Whether the user won the account, or manages who did."""
    return pass_on is not None and user.pk in (pass_on.giver.user_id, pass_on.giver.team.manager_id)


@predicate
def receives_it(user: Any, pass_on: Any) -> bool:
    """Whether the account is offered to the user."""
    return pass_on is not None and pass_on.receiver is not None and pass_on.receiver.user_id == user.pk


@predicate
def keeps_account(user: Any, account: Any) -> bool:
    """Whether the user looks after the account, or manages who does."""
    owner = getattr(account, "owner", None)
    return owner is not None and user.pk in (owner.user_id, owner.team.manager_id)


@predicate
def keeps_its_account(user: Any, subject: Any) -> bool:
    """The same of the account of a contract, a promise or a departure."""
    return subject is not None and keeps_account.test(user, subject.account)


@predicate
def manages_its_account(user: Any, subject: Any) -> bool:
    """Whether the user manages who looks after the account, or is RevOps."""
    owner = getattr(getattr(subject, "account", None), "owner", None)
    return user.role == Role.REVOPS or (owner is not None and owner.team.manager_id == user.pk)


SEE_HOME = Policy(
    "customers.see_home",
    "Sellers see what waits among their customers, managers among their teams', RevOps all.",
    roles=has_role(*_sellers, Role.MANAGER, Role.REVOPS),
)
SEE_CUSTOMERS = Policy(
    "customers.see_customers",
    "Sellers see the customers they look after or sold to, managers their teams', finance and RevOps all.",
    roles=has_role(*_sellers, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
SEE_RETENTION = Policy(
    "customers.see_retention",
    "AMs, CSMs and managers see who stays and who leaves among theirs, finance and RevOps among all.",
    roles=has_role(Role.AM, Role.CSM, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
SEE_PASS_ON = Policy(
    "customers.see_pass_on",
    "Who gives and who receives an account, their managers, finance and RevOps see how it passes.",
    roles=has_role(*_sellers, Role.MANAGER, Role.FINANCE, Role.REVOPS),
)
WRITE_PASS_ON = Policy(
    "customers.write_pass_on",
    "Who won an account, or the manager, writes what was promised and offers it.",
    roles=has_role(*_sellers, Role.MANAGER),
    on=gives_it,
)
ACCEPT_PASS_ON = Policy(
    "customers.accept_pass_on",
    "Only the AM or CSM to whom it is offered accepts an account or sends it back with a question.",
    roles=has_role(Role.AM, Role.CSM),
    on=receives_it,
)
RECORD = Policy(
    "customers.record",
    "Who looks after an account, or the manager, records health, answers and departures.",
    roles=has_role(Role.AM, Role.CSM, Role.MANAGER),
    on=keeps_account,
)
KEEP_CONTRACT = Policy(
    "customers.keep_contract",
    "Who looks after an account, or the manager, corrects its contracts, renews them and ticks promises.",
    roles=has_role(Role.AM, Role.CSM, Role.MANAGER),
    on=keeps_its_account,
)
TAKE_CHURN_BACK = Policy(
    "customers.take_churn_back",
    "The manager of who looks after the account, or RevOps, takes a departure back.",
    roles=has_role(Role.MANAGER, Role.REVOPS),
    on=manages_its_account,
)
SET_HANDLING = Policy(
    "customers.set_handling",
    "RevOps sets who takes customers over, when renewals open, and the margin.",
    roles=has_role(Role.REVOPS),
)
