"""fluxsync as a service of the current user: the systemd unit, or the launchd agent.

wanted        what a service is to run, and the name it gets
supervisor    what systemd and launchd have in common, and which of them this machine has
systemd       units below ~/.config/systemd/user; fluxsync.service.in is their text
launchd       agents in ~/Library/LaunchAgents; org.fluxsync.agent.plist.in is their text
ours          the files that were written here, told from all others by their mark
install       install, remove and look at the service of one configuration
reach         what of a configuration a service sees, which has no terminal and no shell
tools         systemctl and launchctl, and what their failures mean

`packaging/` holds the same texts for whoever packages fluxsync; `packaging/generate.py` writes them.
"""

from fluxsync.service_unit.install import installed

__all__ = ["installed"]
