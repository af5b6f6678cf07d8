"""The parts of a computation: some reps each, taken by whoever is free."""

from django.db import models


class PayoutPart(models.Model):
    """Reps whose pay one transaction works out. Notes of the work, replaced by those of the next computation.

    Whoever works on a part holds its row locked, so a part of somebody who was killed is free again at once.
    """

    run = models.ForeignKey("compensation.PayoutRun", on_delete=models.CASCADE, related_name="parts")
    computation = models.PositiveIntegerField(help_text="which one of the run's")
    place = models.PositiveIntegerField(help_text="its number, in the order of the reps")
    rep_ids = models.JSONField(help_text="in ascending order")
    looked_at_again = models.JSONField(
        default=dict, help_text='reps whose closed periods are worked out anew: {"run": [rep, …]}'
    )
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["run", "computation", "place"], name="payout_part_once"),
        ]

    def __str__(self) -> str:
        return f"Part {self.place} of {self.run_id}"
