"""A folder on this machine as one side of a pair.

A scan is: `scan` walks and compares stamps, `ignore` says what takes part, `reading` reads what no stamp
could tell. A download is: `staging` completes and flushes the content, `apply` swaps it into place, `trash`
keeps what was there.

replica     the verbs of the contract, nothing else
root        is it still the same root; how to reach a path without following links
survey      a scan from beginning to end; one look
scan        the walk; glance: which paths are not as agreed
reading     content that no stamp could tell, in parallel, never torn
stamps      size, times, inode
special     what is neither file nor folder
expect      is this still the entry that we expect
ignore      which paths take part
ignore_files  `.fluxsyncignore`
source      a file on its way up
staging     content on its way down
apply       publish, replace, move, take away
trash       `.fluxsync/trash`; trash_verbs: what may be done with what lies there
folders     make, rename, remove folders
busy        who has it open
tracked     what the ancestor knows, as a walk asks for it
take_up     when a file with news is at rest
names       what names the disk can hold
facts       what the disk can do, probed once
watch       what may have changed, told by the system: watch_linux, watch_macos
watched     every folder is watched, however they come and go; watch_tree: which one is where
disk_kind   do changes of other machines raise events here
syscalls    the calls that change the disk
translate   errors of the system to errors of fluxsync
"""

from fluxsync.replica.folder.replica import Folder

__all__ = ["Folder"]
