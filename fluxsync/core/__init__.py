"""Decides, and touches nothing: no disk, network, clock, log or database; imports only `core`.

paths      what a path is: relative, "/" between parts
model      the values that everything else passes around
naming     every remote item gets its path on this disk
observe    snapshot against ancestor: one update for each item and side
moves      which vanished file is which new file
reconcile  the decision table
conflicts  names of conflict copies
safety     limits, and what they hold back
plan       ordered operations, each with what it expects
"""
