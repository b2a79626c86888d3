"""System calls that are performed and written down, and can be told to fail."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from calotype.stores.objects.syscalls import Syscalls


@dataclass
class Recorder:
    """``log`` holds lines such as ``"fsync 2026/01"``; ``failures`` maps such a line to the errno to raise."""

    root: Path
    log: list[str] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    free_bytes: int = 1 << 40

    def clear(self):
        self.log.clear()

    def name(self, path):
        relative = Path(path).relative_to(self.root.parent).as_posix()
        if "/.incoming/" in relative:
            return "spool" if not relative.endswith(".lock") else "lock"
        return relative

    def note(self, line):
        self.log.append(line)
        if line in self.failures:
            raise OSError(self.failures[line], os.strerror(self.failures[line]))

    def syscalls(self, base: Syscalls | None = None) -> Syscalls:
        base = base or Syscalls.best()

        def opens(path, flags, mode):
            self.note(f"open {self.name(path)}")
            fd = base.open(path, flags, mode)
            self.names[fd] = self.name(path)
            return fd

        def opens_folder(path):
            self.note(f"open {self.name(path)}")
            fd = base.open_folder(path)
            self.names[fd] = self.name(path)
            return fd

        def on_fd(verb, call):
            def performed(fd, *rest):
                self.note(f"{verb} {self.names[fd]}")
                return call(fd, *rest)

            return performed

        def on_paths(verb, call):
            def performed(*arguments):
                self.note(" ".join([verb, *(self.name(path) for path in arguments if isinstance(path, str))]))
                return call(*arguments)

            return performed

        return Syscalls(
            open=opens,
            close=on_fd("close", base.close),
            write=on_fd("write", base.write),
            writev=on_fd("writev", base.writev) if base.writev else None,
            fsync=on_fd("fsync", base.fsync),
            open_folder=opens_folder,
            link=on_paths("link", base.link) if base.link else None,
            replace=on_paths("replace", base.replace),
            unlink=on_paths("unlink", base.unlink),
            mkdir=on_paths("mkdir", base.mkdir),
            rmdir=on_paths("rmdir", base.rmdir),
            try_lock=base.try_lock,
            free_bytes=lambda path: self.free_bytes,
        )
