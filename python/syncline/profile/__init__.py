"""Profiles of a service under load: by py-spy and memray from outside, by the probe from within."""

from syncline.profile.needs import check_needs
from syncline.profile.taking import Taking
from syncline.profile.target import Target, Wanted

__all__ = ["Taking", "Target", "Wanted", "check_needs"]
