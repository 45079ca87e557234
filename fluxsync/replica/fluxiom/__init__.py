"""A Fluxiom account as a side: folders are tags, files are assets.

A scan asks for user, account and tags, walks the pages of assets, asks for account and tags again, and turns
each asset into an entry. A write reads its asset afresh, sends one change, and compares the answer with what
was meant. From the wire inwards:

wire, multipart, comment     bytes <-> values, no input or output
throttle, gate, answers      bandwidth; the pause that a service asks for; status codes as errors
silence, turn                for how long nothing came back; one request's time inside the gate
addresses, transfer          where the password may go; content on its way there
connections, line, download    the modules that know httpx: one request in its turn, and its answer
client            what is asked: a question and its answer, or a download
tagnames, placement          folder paths as tag names; which tag is a folder, which folder is home
entries                      an asset as an entry: key, name, memo
figures, writes              what a probe would show but for others; the requests that change something
tagbook, listing, scanning   the account's tags; the full list; the list as a snapshot
quiet_list        whether the list is what it was, without reading it
library                      a fresh look at an asset, and a change that is verified
version_notes                what the comments of an asset's versions say
retag, uploads, arrival, folders, finding    the verbs, and `replica`, which holds them together
"""
