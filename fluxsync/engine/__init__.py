"""Carries plans out, with an intent before and a settlement after each operation.

cycle     one pass, from scan to settlement: read this first; watcher: who looks on
decide    what a pass would do now; quiet: and once a running removal is over
held_rows what is held back, between journal and limits
survey    what both sides show, and the questions that deciding needs answered
execute   phases, batches and movers
doubts    requests without an answer
intents   what is in the journal before a request leaves
steps     one operation on one item
rows      what the ancestor says after a step
alone     an account that is away, or fails at one asset
late      creates that were sent again, and may have left a twin
recover   what an interrupted pass may have left behind; brought: what had come down by then
bind      a journal belongs to one root and one account
budget    what fits on the disk and in the account
trash     what lies in both trashes since when; the local one empties itself
conflicts which stand, and how a person settles one
trash_list  what is in both, and why; restore: bring it back; empty: because a person says so
service   what others may ask of a running service
daemon    the service: one thread that decides; shift: its work on a pair that is open; hand: the pass in hand
desk      what that work is done with
wake      what wakes it; live: the picture that everybody sees
view      what a pass looks at: everything, or (dirty) a part
control   the socket on which commands ask it; relay: tells them how it goes; onlooker: what is told
ask       the other end of it; address: where it is; lines, wire: what goes over it
merge     dirty paths wait for quiet; vanished: so do deletions
rescan    which paths are dirty, where no event tells
standstill  a full list that is not read, because nothing has happened
agenda    when to look at the account, and how; clocks: what the service waits by
report    what a pass did; record: what a round saw and did, in report and journal
explain   why a path is as it is
status    what the journal says without a running pass; documents: as JSON
"""
