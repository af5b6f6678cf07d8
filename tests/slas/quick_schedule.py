"""The portal's own table of scheduled work with the sweep of promises each second, for a test that waits for it."""

from salesportal.celery import app

app.conf.beat_schedule = {
    name: entry | {"schedule": 1.0} for name, entry in app.conf.beat_schedule.items() if "promises" in name
}
