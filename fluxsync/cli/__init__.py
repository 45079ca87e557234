"""The command line: asks `app`, and shows what it says.

main       the group of all commands and the global options
session    what the options of one call say; logging, settings
exits      every way a command can end, as an exit code and one line
output     documents and text to stdout, lines to stderr
words      sizes, times, counts and paths as people read them
progress   who looks on while a pass runs: a bar on a terminal, log lines elsewhere
once       `--once`; plan_view: what it would do; outcome_view: what came of a pass
asking     has a task done, by the running service or in this process; so do:
           sync: a complete pass; rebuild: the same after forgetting the journal; approve: the same once what
           is held back was let through; held: how that is shown; pausing: pause and resume
look       status; history: what was done; explain: one path; where: paths as people type them
trash      list, restore, empty; trash_view: how it is shown; times: "2 hours ago"
sandbox    the embedded server; service: the systemd unit or the launchd agent
demo       everything at once, in a temporary folder; demo_place: what it makes; demo_view: what it shows;
           samples: what lies in it
"""
