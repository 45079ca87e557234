"""Both sides made of dictionaries: what the contract asks for and nothing more, the reference for tests.

What a person does to a side is done to `files`, `folders`, `assets` and `tags` directly.
"""

from fluxsync.replica.memory.account import MemoryAccount
from fluxsync.replica.memory.asset import MemoryAsset, MemoryVersion
from fluxsync.replica.memory.folder import MemoryFile, MemoryFolder

__all__ = ["MemoryAccount", "MemoryAsset", "MemoryFile", "MemoryFolder", "MemoryVersion"]
