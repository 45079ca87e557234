"""Two-way sync between a folder and a digital-asset account.

core/      decides, and touches nothing
replica/   the two sides: folder, fluxiom
state/     what survives a crash
engine/    carries plans out
cli/       the command line; `app` wires the concrete parts together
sandbox/   a Fluxiom-compatible server of our own
"""

__version__ = "0.1.0"
