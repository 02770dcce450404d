"""Messages as CDR bytes without ROS: from plain mappings, by the definitions of schema.py.

The bytes are those that a ROS 2 node would have published, with padding of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The package's own dynamic writer, which its Writer class uses; that class owns the file too,
# where an episode's file belongs to container.py.
from mcap_ros2._dynamic import serialize_dynamic

from .errors import MessageInvalid, SchemaInvalid

Fields = Mapping[str, Any]


class CdrEncoder:
    """Encodes one message type, e.g. "sensor_msgs/msg/JointState".

    Arrays are lists, byte arrays `bytes`, messages within it mappings; what is left out is zero
    or empty. Raises SchemaInvalid for a definition that cannot be read.
    """

    def __init__(self, type_name: str, definition: str) -> None:
        self.type_name = type_name
        try:
            self._encode = serialize_dynamic(type_name, definition)[type_name]
        except Exception as error:  # its parser has many kinds, most of them its own
            raise SchemaInvalid(f"definition of {type_name}: {error}") from error

    def __call__(self, fields: Fields) -> bytes:
        """The message's bytes; raises MessageInvalid for a value that its field cannot hold."""
        try:
            data = self._encode(fields)
        except Exception as error:  # struct.error, ValueError, TypeError, by the field's type
            raise MessageInvalid(f"{self.type_name}: {error}") from error
        return bytes(data)
