"""Our own model of AWS Lambda's event source mapping for DynamoDB streams.

Emulators ignore partial batch responses, bisecting, retries, record age or on-failure destinations, so what a function
goes through on AWS when things fail is modelled here from AWS's documentation, and runs against the real DynamoDB Streams
API of an engine or against a stream in memory, in simulated time.

    clock = SimulatedClock(time.time())
    function = InProcessFunction(handler, clock)
    mapping = EventSourceMapping(function, DynamoDBStream(client, stream_arn), clock, MappingConfig(batch_size=100))
    mapping.run_until_idle()

Not modelled: two invocations at the same instant, tumbling windows, other destinations than S3, and DeletedEventCount,
which AWS doesn't emit for DynamoDB streams.
"""

from tests.event_source_mapping.clock import Clock, SimulatedClock, SystemClock
from tests.event_source_mapping.config import MappingConfig
from tests.event_source_mapping.destination import InMemoryDestination, OnFailureDestination, S3Destination
from tests.event_source_mapping.function import (
    DeployedFunction,
    Faults,
    Function,
    FunctionCrashed,
    InProcessFunction,
    InvocationRefused,
    InvokeResult,
    LambdaContext,
)
from tests.event_source_mapping.log import Invocation
from tests.event_source_mapping.mapping import EventSourceMapping
from tests.event_source_mapping.memory import InMemoryStream
from tests.event_source_mapping.records import EventRecord, event_record
from tests.event_source_mapping.sources import DynamoDBStream, StreamShard, StreamSource

__all__ = [
    "Clock",
    "DeployedFunction",
    "DynamoDBStream",
    "EventRecord",
    "EventSourceMapping",
    "Faults",
    "Function",
    "FunctionCrashed",
    "InMemoryDestination",
    "InMemoryStream",
    "InProcessFunction",
    "Invocation",
    "InvocationRefused",
    "InvokeResult",
    "LambdaContext",
    "MappingConfig",
    "OnFailureDestination",
    "S3Destination",
    "SimulatedClock",
    "StreamShard",
    "StreamSource",
    "SystemClock",
    "event_record",
]
