"""Decides, and touches nothing: no disk, network, clock, log or database; imports only `core`.

paths           what a path is: relative, "/" between parts
model           the values that everything else passes around
naming          names that this disk holds and tells apart

observe         snapshot against ancestor: one update for each item and side
unknown         what a look says nothing about
moves           which vanished file is which new file
folders         which folder here is which tag there; folder_names, where each lies on this disk
claims          who has which path on this disk in the end
survey          all of that put together

decision        the table: two updates to a verdict
reconcile       the table applied to everything that both sides show
  tracked       files that both sides once agreed on
  remembered    items of which only one side is left
  twins         two assets that are one file
  arrivals      what only one side has
  contents      what is known of content, and the questions about what is not
part            a few paths and all that they may have to do with; owed: what it must not assume away
safety          what the limits hold back; limits: their kinds and what counts; held: how it is known again
removal         whether a removal is still running
trash           what leaves the local trash by itself, and how time is told; purge: the same on the account
restore         what is in the trashes, and what of it a person means
version_interval  saves in quick succession that go up as one version
put_aside       what failed again and again, and when it is tried again

plan            verdicts to ordered operations, each with what it expects
  steps         the operations of one file
  renames       folders that one rename brings to their place
  plan_folders  what files need before they come, and what they leave behind
  local_order   new folders and moves, each when its place is free
  conflicts     names of conflict copies
"""
