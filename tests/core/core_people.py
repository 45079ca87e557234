"""What people do to the world of `core_world`: one small deed for each drawn tuple, always possible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core_world import Account, Asset, Machine, Version

from fluxsync.core.naming import fold
from fluxsync.core.paths import basename, dirname, is_below, join, nfc

FILE_NAMES = ("a.gif", "b.gif", "c", "A.gif", "ä.gif", "a\u0308.gif", "D")
FOLDER_NAMES = ("D", "E", "D/F", "E/F", "d", "G", "G/F/H")

Draw = tuple[str, int, int]


@dataclass
class People:
    """The people at one disk and on the account; remembers what they wrote and what they gave up."""

    machine: Machine
    _content: int = 0
    #: Content that somebody replaced knowingly: only its successor has to survive.
    discarded: set[str] = field(default_factory=set)
    #: Content written since the last rest, which must be live at the next one.
    fresh: set[str] = field(default_factory=set)
    #: Content that was deleted here, with the name that it had.
    withdrawn: list[tuple[str, str]] = field(default_factory=list)
    #: Names and contents were exchanged here: what is deleted then is not where its name says.
    renamed: bool = False

    @property
    def account(self) -> Account:
        return self.machine.account

    def content(self, seed: int) -> str:
        """New content of one of two sizes, so that sizes rarely tell contents apart."""
        self._content += 1
        return f"c{self._content:04d}" + ("+" if seed % 3 == 0 else "")

    def do(self, draw: Draw) -> None:
        deed, i, j = draw
        getattr(self, deed)(i, j)

    # -- choosing

    def _file(self, i: int) -> str | None:
        files = sorted(self.machine.files)
        return files[i % len(files)] if files else None

    def _folder(self, i: int, *, root: bool = False) -> str | None:
        folders = ([""] if root else []) + sorted(self.machine.folders)
        return folders[i % len(folders)] if folders else None

    def _asset(self, i: int, *, trashed: bool = False) -> Asset | None:
        assets = [a for _, a in sorted(self.account.assets.items()) if a.trashed == trashed]
        return assets[i % len(assets)] if assets else None

    def _tag(self, i: int) -> str | None:
        tags = sorted(self.account.tags)
        return tags[i % len(tags)] if tags else None

    def _free(self, path: str) -> bool:
        folders_ok = all(
            not any(fold(f, self.machine.rules) == fold(part, self.machine.rules) for f in self.machine.files)
            for part in _parents(path)
        )
        same_case = all(
            part in self.machine.folders or not self.machine.exists(part) for part in _parents(path)
        )
        return folders_ok and same_case and not self.machine.exists(path)

    # -- at the disk

    def here_new(self, i: int, j: int) -> None:
        path = join(self._folder(i, root=True) or "", FILE_NAMES[j % len(FILE_NAMES)])
        if self._free(path):
            text = self.content(j)
            self.machine.write(path, text)
            self.fresh.add(text)

    def here_copy(self, i: int, j: int) -> None:
        old = self._file(i)
        path = join(self._folder(j, root=True) or "", FILE_NAMES[i % len(FILE_NAMES)])
        if old and self._free(path):
            self.machine.write(path, self.machine.files[old].content)

    def here_edit(self, i: int, j: int) -> None:
        path = self._file(i)
        if path:
            old = self.machine.files[path].content
            self._give_up(old)
            text = self.content(j)
            self.machine.write(path, text)
            self.fresh.add(text)

    def here_save_safely(self, i: int, j: int) -> None:
        """As programs save: a new file takes the old one's place."""
        path = self._file(i)
        if path:
            self._give_up(self.machine.files.pop(path).content)
            text = self.content(j)
            self.machine.write(path, text)
            self.fresh.add(text)

    def here_move(self, i: int, j: int) -> None:
        old = self._file(i)
        if old:
            new = join(self._folder(j, root=True) or "", basename(old))
            if self._free(new):
                self.machine.move(old, new)

    def here_rename(self, i: int, j: int) -> None:
        old = self._file(i)
        if old:
            new = join(dirname(old), FILE_NAMES[j % len(FILE_NAMES)])
            if self._free(new):
                self.machine.move(old, new)
                self.renamed = True

    def here_swap(self, i: int, j: int) -> None:
        one, other = self._file(i), self._file(j)
        if one and other and one != other:
            files = self.machine.files
            files[one], files[other] = files[other], files[one]
            self.renamed = True

    def here_delete(self, i: int, j: int) -> None:
        path = self._file(i)
        if path:
            self._withdraw_here(path)
            del self.machine.files[path]

    def here_mkdir(self, i: int, j: int) -> None:
        path = FOLDER_NAMES[i % len(FOLDER_NAMES)]
        if self._free(path):
            self.machine.mkdir(path)

    def here_rename_folder(self, i: int, j: int) -> None:
        old = self._folder(i)
        new = FOLDER_NAMES[j % len(FOLDER_NAMES)]
        if old and self._free(new) and new != old and not is_below(new, old):
            self.machine.move_folder(old, new)

    def here_move_folder(self, i: int, j: int) -> None:
        old, into = self._folder(i), self._folder(j, root=True)
        if old and into is not None:
            new = join(into, basename(old))
            if new != old and not is_below(new, old) and self._free(new):
                self.machine.move_folder(old, new)

    def here_swap_folders(self, i: int, j: int) -> None:
        one, other = self._folder(i), self._folder(j)
        if one and other and one != other and not is_below(one, other) and not is_below(other, one):
            self.machine.move_folder(one, "swap")
            self.machine.move_folder(other, one)
            self.machine.move_folder("swap", other)

    def here_rmtree(self, i: int, j: int) -> None:
        path = self._folder(i)
        if path:
            for file in list(self.machine.files):
                if is_below(file, path):
                    self._withdraw_here(file)
            self.machine.rmtree(path)

    def here_file_to_folder(self, i: int, j: int) -> None:
        path = self._file(i)
        if path:
            self._withdraw_here(path)
            del self.machine.files[path]
            self.machine.mkdir(path)
            text = self.content(j)
            self.machine.write(join(path, "a.gif"), text)
            self.fresh.add(text)

    def here_folder_to_file(self, i: int, j: int) -> None:
        path = self._folder(i)
        if path:
            self.here_rmtree(i, j)
            text = self.content(j)
            self.machine.write(path, text)
            self.fresh.add(text)

    # -- on the account

    def there_new(self, i: int, j: int) -> None:
        homes = ["", *sorted(self.account.tags)]
        text = self.content(j)
        self.account.upload(homes[i % len(homes)], nfc(FILE_NAMES[j % len(FILE_NAMES)]), text)
        self.fresh.add(text)

    def there_same(self, i: int, j: int) -> None:
        """An asset with the bytes of a file here, at the same place where a tag allows it."""
        path = self._file(i)
        if path:
            folder = dirname(path)
            home = self.account.make_tag(nfc(folder)) if folder else ""
            self.account.upload(
                home, nfc(basename(path)), self.machine.files[path].content, signed=j % 2 == 0
            )

    def there_edit(self, i: int, j: int) -> None:
        asset = self._asset(i)
        if asset:
            self._give_up(asset.content)
            text = self.content(j)
            # No fluxsync sends to an asset in the trash: it takes it out first.
            signed = j % 2 == 0 and not asset.trashed
            asset.versions.append(Version(text, asset.name, signed, asset.revision))
            self.fresh.add(text)

    def there_edit_same(self, i: int, j: int) -> None:
        """A version with the very bytes that some file here has."""
        asset, path = self._asset(i), self._file(j)
        if asset and path:
            self._give_up(asset.content)
            text = self.machine.files[path].content
            # No fluxsync sends to an asset in the trash: it takes it out first.
            signed = j % 2 == 0 and not asset.trashed
            asset.versions.append(Version(text, asset.name, signed, asset.revision))

    def there_rename(self, i: int, j: int) -> None:
        asset = self._asset(i)
        if asset:
            name = nfc(FILE_NAMES[j % len(FILE_NAMES)])
            asset.versions.append(Version(asset.content, name, j % 2 == 0, asset.revision))
            asset.name = name

    def there_swap(self, i: int, j: int) -> None:
        one, other = self._asset(i), self._asset(j)
        if one and other and one is not other:
            one.name, other.name = other.name, one.name
            one.home, other.home = other.home, one.home

    def there_move(self, i: int, j: int) -> None:
        asset = self._asset(i)
        homes = ["", *sorted(self.account.tags)]
        if asset:
            asset.home = homes[j % len(homes)]

    def there_trash(self, i: int, j: int) -> None:
        asset = self._asset(i)
        if asset:
            self.fresh.discard(asset.content)
            asset.trashed = True

    def there_restore(self, i: int, j: int) -> None:
        asset = self._asset(i, trashed=True)
        if asset:
            asset.trashed = False

    def there_edit_trashed(self, i: int, j: int) -> None:
        asset = self._asset(i, trashed=True)
        if asset:
            text = self.content(j)
            self._give_up(asset.content)
            asset.versions.append(Version(text, asset.name))
            if any(row.key == asset.key for row in self.machine.rows.values()):
                self.fresh.add(
                    text
                )  # nobody can tell that an asset was new when it is first seen in the trash

    def there_delete(self, i: int, j: int) -> None:
        asset = self._asset(i, trashed=j % 2 == 0)
        if asset:
            self._give_up(asset.content)
            del self.account.assets[asset.key]

    def there_make_tag(self, i: int, j: int) -> None:
        self.account.make_tag(FOLDER_NAMES[i % len(FOLDER_NAMES)])

    def there_rename_tag(self, i: int, j: int) -> None:
        tag = self._tag(i)
        name = FOLDER_NAMES[j % len(FOLDER_NAMES)]
        if tag and name not in self.account.tags.values():
            self.account.tags[tag] = name

    def there_swap_tags(self, i: int, j: int) -> None:
        one, other = self._tag(i), self._tag(j)
        if one and other:
            tags = self.account.tags
            tags[one], tags[other] = tags[other], tags[one]

    def there_delete_tag(self, i: int, j: int) -> None:
        tag = self._tag(i)
        if tag:
            self.account.drop_tag(tag)

    def there_remake_tag(self, i: int, j: int) -> None:
        """The tag is deleted and made again under its name: another id, the same assets."""
        tag = self._tag(i)
        if tag:
            name = self.account.tags[tag]
            homed = [a for a in self.account.assets.values() if a.home == tag]
            self.account.drop_tag(tag)
            key = self.account.make_tag(name)
            for asset in homed:
                asset.home = key

    # -- both at once

    def both_edit(self, i: int, j: int) -> None:
        """The same file is edited on both sides."""
        path = self._file(i)
        row = next((r for r in self.machine.rows.values() if r.path == path and r.key), None)
        if path and row is not None and row.key in self.account.assets:
            self.here_edit(i, j)
            asset = self.account.assets[row.key]
            self._give_up(asset.content)
            text = self.machine.files[path].content if j % 4 == 0 else self.content(j)
            # No fluxsync sends to an asset in the trash: it takes it out first.
            signed = j % 2 == 0 and not asset.trashed
            asset.versions.append(Version(text, asset.name, signed, asset.revision))
            if not asset.trashed:
                self.fresh.add(text)

    # -- remembering

    def _give_up(self, text: str) -> None:
        self.discarded.add(text)
        self.fresh.discard(text)

    def _withdraw_here(self, path: str) -> None:
        text = self.machine.files[path].content
        self.fresh.discard(text)
        self.withdrawn.append((text, basename(path)))

    def given_up(self) -> set[str]:
        """What need not survive: content that was replaced, also by a new file under a deleted one's name."""
        names = {nfc(basename(path)).casefold() for path in self.machine.files}
        return self.discarded | {
            text for text, name in self.withdrawn if self.renamed or nfc(name).casefold() in names
        }


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


DEEDS: tuple[str, ...] = tuple(n for n in vars(People) if n.startswith(("here_", "there_", "both_")))


def all_deeds() -> list[Callable[[People, int, int], None]]:
    return [getattr(People, name) for name in DEEDS]
