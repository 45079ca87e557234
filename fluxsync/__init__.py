"""Two-way sync between a folder and a digital-asset account.

core/      decides, and touches nothing
replica/   the two sides: folder, fluxiom
state/     what survives a crash
engine/    carries plans out
web/       the HTTP interface of a running service
cli/       the command line
sandbox/   a Fluxiom-compatible server of our own

app        wires the concrete parts together, with root_checks and lock before the first of them
settings   the configuration; config_*: how it is read and what mistakes in it are called; password
tasks      what a person asks of a pair, done; told: what that leaves to be said; trash: both of them
pausing    stops transfers where no service runs
memory     gives memory back after a look at everything
notify     what a service tells systemd
service_unit/  the systemd unit and the launchd agent of the current user
policies   the configuration as the values that core and engine understand
"""

__version__ = "0.1.0"
