"""What can go wrong with files, by name. Every message says where, what, and what to do."""

from __future__ import annotations

from mtopt_core.errors import MtoptError


class DataError(MtoptError):
    """Root of everything that mtopt_data raises."""


class YamlInvalid(DataError):
    """A YAML file that is missing, unreadable, malformed, or not a mapping."""


class NameInvalid(DataError):
    """A cell name, episode id or file name outside the naming rule."""


class MetadataInvalid(DataError):
    """An episode's metadata with a missing, unknown or impossible field."""


class SchemaMissing(DataError):
    """A message type whose definition file cannot be found."""


class SchemaInvalid(DataError):
    """A message type name or definition that cannot be understood."""


class ChannelConflict(DataError):
    """A topic announced twice with different types, or with no name."""


class ChannelUnknown(DataError):
    """A message for a topic that was never announced."""


class MessageInvalid(DataError):
    """A message whose payload or time stamp cannot be stored."""


class EpisodeExists(DataError):
    """The episode's name is taken; nothing is ever overwritten."""


class EpisodeBusy(DataError):
    """The episode is being written by a living recorder."""


class EpisodeMissing(DataError):
    """No such episode file or data folder."""


class EpisodeDamaged(DataError):
    """An episode file that is truncated, altered, or not an episode at all."""


class LabelInvalid(DataError):
    """An outcome that nobody can give an episode."""


class FolderNotWritable(DataError):
    """The data folder cannot be created or written."""


class DiskFull(DataError):
    """No room (or no quota) left for the data folder."""


class WriterClosed(DataError):
    """A write to an episode that was closed, abandoned, or stopped by an earlier failure."""


class CatalogMissing(DataError):
    """A data folder that has no catalog yet."""


class CatalogDamaged(DataError):
    """A file of the catalog that is missing, truncated or altered."""


class CatalogBusy(DataError):
    """Another process is rebuilding the catalog or moving episodes."""


class QueryInvalid(DataError):
    """SQL that cannot be answered: a wrong word, an unknown table or column."""


class TargetInvalid(DataError):
    """A place for episodes that cannot be named, reached or written."""


class ChecksumWrong(DataError):
    """A copy whose bytes are not those of the episode."""


class LabelsInvalid(DataError):
    """Labels of outcomes that cannot be read, or that no scene can have."""
