"""What survives a crash: one SQLite file for each pair, owned by one thread.

The engine knows `journal`; the others are its parts:

    operations  what is planned, sent, settled
    ancestor    items: what both sides last agreed on
    chronicle   what was done and what a person is shown: the part of the journal that decides nothing
    history     events and passes, for people and for the limits on what is deleted, moved, edited
    search      events by path, date, action
    notices     problems, what is held back, conflicts: shown until they are settled
    put_aside   what failed again and again, until it succeeds or changes
    trash       since when something is known to be in a trash
    database    the file: made, checked, set aside where it is damaged, brought forward
    connection  transactions and rows; SQLite's errors translated
    facts       what is noted under a name
    seal        a check on each row that decisions are made from
    schema      the tables, as forward migrations

Only agreements and what movers are given are flushed; why that is enough stands in `journal`.
"""
