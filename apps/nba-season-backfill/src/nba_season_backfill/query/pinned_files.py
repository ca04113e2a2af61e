"""The lake's partitions as a file system that cannot write, each file pinned to one version: what SQL engines scan."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any, BinaryIO, NoReturn, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow.fs import FileInfo, FileSelector, FileSystemHandler, FileType, PyFileSystem

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.lake.store import ObjectMissing, PreconditionFailed, StoreError
from nba_season_backfill.query.answers import FileRead
from nba_season_backfill.query.partitions import READ_IN_PARTS, WHOLE_BYTES, Partition
from nba_season_backfill.query.reader import Reader

__all__ = ["PinnedFiles"]


class PinnedFiles(FileSystemHandler):  # type: ignore[misc]  # pyarrow is untyped
    """The lake's partitions as files, for one question: each is one version, however often it is opened."""

    def __init__(self, reader: Reader) -> None:
        self.changed = False
        self.failure: StoreError | None = None
        self._reader = reader
        self._lock = threading.Lock()
        self._partitions: dict[str, Partition] = {}
        self._open: dict[str, _Pinned] = {}
        self._locks: dict[str, threading.Lock] = {}

    def dataset(self, name: str, partitions: Sequence[Partition]) -> ds.Dataset:
        """A table, its season and month among its columns. No file is opened yet."""
        declared = TABLES[name].schema
        monthly = TABLES[name].per_game or any(partition.month is not None for partition in partitions)
        places = [pa.field("season", pa.string()), *([pa.field("month", pa.int32())] if monthly else [])]
        schema = pa.schema([*declared, *(place for place in places if place.name not in declared.names)])
        format_ = ds.ParquetFileFormat(
            # Ranges of one row group come as one request, not as one a column.
            default_fragment_scan_options=ds.ParquetFragmentScanOptions(
                pre_buffer=True, page_checksum_verification=True
            )
        )
        filesystem = PyFileSystem(self)
        fragments = []
        for partition in partitions:
            self._partitions[partition.key] = partition
            where = pc.field("season") == partition.season
            if partition.month is not None:
                where = where & (pc.field("month") == pa.scalar(partition.month, pa.int32()))
            fragments.append(format_.make_fragment(partition.key, filesystem, partition_expression=where))
        return ds.FileSystemDataset(fragments, schema, format_, filesystem)

    def tell(self, *, listed: bool) -> None:
        """Note what was read, and how many partitions were not."""
        for key, pinned in self._open.items():
            self._reader.explanation.file(FileRead(key, pinned.how, pinned.bytes_read, 0, 0, 0, (), 0))
        if listed:
            self._reader.explanation.passed_over(len(self._partitions) - len(self._open))

    def open_input_file(self, path: str) -> Any:
        with self._lock:
            lock = self._locks.setdefault(path, threading.Lock())
        with lock:
            pinned = self._open.get(path)
            if pinned is None:
                pinned = self._open[path] = self.guarded(lambda: _Pinned.of(self._reader, self._partitions[path]))
        return pinned.file(self)

    def guarded(self, work: Any) -> Any:
        """Remember what the store said: the engine tells it in words only."""
        try:
            return work()
        except PreconditionFailed as error:
            self.changed = True
            raise OSError(str(error)) from None
        except StoreError as error:
            # A partition that is gone since it was listed was emptied or moved: list again.
            self.changed |= isinstance(error, ObjectMissing)
            self.failure = error
            raise OSError(str(error)) from None

    def open_input_stream(self, path: str) -> Any:
        return self.open_input_file(path)

    def get_type_name(self) -> str:
        return "lake"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[FileInfo]:
        return [
            FileInfo(path, FileType.File, size=self._partitions[path].size or -1)
            if path in self._partitions
            else FileInfo(path, FileType.NotFound)
            for path in paths
        ]

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        return self.get_file_info([key for key in self._partitions if key.startswith(selector.base_dir)])

    def open_output_stream(self, path: str, metadata: object) -> NoReturn:
        del metadata
        _refuse(path)

    def open_append_stream(self, path: str, metadata: object) -> NoReturn:
        del metadata
        _refuse(path)

    def create_dir(self, path: str, recursive: bool) -> NoReturn:
        del recursive
        _refuse(path)

    def delete_dir(self, path: str) -> NoReturn:
        _refuse(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> NoReturn:
        del missing_dir_ok
        _refuse(path)

    def delete_root_dir_contents(self) -> NoReturn:
        _refuse("")

    def delete_file(self, path: str) -> NoReturn:
        _refuse(path)

    def move(self, src: str, dest: str) -> NoReturn:
        del dest
        _refuse(src)

    def copy_file(self, src: str, dest: str) -> NoReturn:
        del dest
        _refuse(src)


def _refuse(path: str) -> NoReturn:
    raise OSError(f"{path}: the lake is open for reading only")


class _Pinned:
    """One version of a partition: its bytes, or (large) its etag and what was read of it."""

    def __init__(self, reader: Reader, partition: Partition, etag: str, size: int, body: bytes | None) -> None:
        self.how = "parts" if body is None else "whole"
        self.bytes_read = 0 if body is None else len(body)
        self.etag = etag
        self.size = size
        self.key = partition.key
        self._body = body
        self.reader = reader

    @classmethod
    def of(cls, reader: Reader, partition: Partition) -> _Pinned:
        """The version that is there now."""
        in_parts = partition.table in READ_IN_PARTS if partition.size is None else partition.size > WHOLE_BYTES
        name = ("body", partition.key)
        if not in_parts:
            known = reader.memory.kept((*name, partition.etag)) if partition.etag else None
            if known is not None:
                pinned = cls(reader, partition, partition.etag, len(known), known)
                pinned.how, pinned.bytes_read = "remembered", 0
                return pinned
            stored = reader.store.get(partition.key)
            reader.memory.keep((*name, stored.info.etag), stored.body, len(stored.body))
            return cls(reader, partition, stored.info.etag, stored.info.size, stored.body)
        if partition.etag and partition.size is not None:
            return cls(reader, partition, partition.etag, partition.size, None)
        info = reader.store.get_range(partition.key, 0, 1).info
        return cls(reader, partition, info.etag, info.size, None)

    def file(self, files: PinnedFiles) -> Any:
        """It, opened."""
        if self._body is not None:
            return pa.BufferReader(self._body)
        return pa.PythonFile(cast(BinaryIO, _RangedFile(self, files)), mode="r")


class _RangedFile(io.RawIOBase):
    """A large partition as a file: each read is a ranged request that is pinned to the version."""

    def __init__(self, pinned: _Pinned, files: PinnedFiles) -> None:
        self._pinned = pinned
        self._files = files
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._pinned.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def size(self) -> int:
        """What pyarrow asks a file for."""
        return self._pinned.size

    def read(self, size: int | None = -1) -> bytes:
        pinned = self._pinned
        end = pinned.size if size is None or size < 0 else min(self._at + size, pinned.size)
        if end <= self._at:
            return b""
        start = self._at
        part = self._files.guarded(lambda: pinned.reader.store.get_range(pinned.key, start, end, if_match=pinned.etag))
        pinned.bytes_read += len(part.body)
        self._at = end
        return bytes(part.body)
