# What calls someone, long before the stream forgets a change after 24 hours. Each alarm's key is its section's anchor in
# docs/runbook.md.

locals {
  # A metric that isn't there says that all is well, except where an alarm says `breaching`: most are only written with a
  # batch, and some only when something is wrong.
  once    = { period = 300, periods = 1, datapoints = 1, missing = "notBreaching" }
  lasting = { period = 300, periods = 3, datapoints = 2, missing = "notBreaching" } # Lambda tries again in between

  trail_metrics    = { namespace = "TableTrail", dimensions = { service = local.function_name } }
  function_metrics = { namespace = "AWS/Lambda", dimensions = { FunctionName = aws_lambda_function.trail.function_name } }
  mapping_metrics  = { namespace = "AWS/Lambda", dimensions = { EventSourceMappingUUID = aws_lambda_event_source_mapping.stream.uuid } }
  table_metrics    = { namespace = "AWS/DynamoDB", dimensions = { TableName = aws_dynamodb_table.audit.name } }

  archive_metrics         = { namespace = "AWS/Lambda", dimensions = { FunctionName = local.default_names.archive } }
  archive_mapping_metrics = { namespace = "AWS/Lambda", dimensions = { EventSourceMappingUUID = try(aws_lambda_event_source_mapping.archive[0].uuid, "") } }
  tampering_metrics       = { namespace = "AWS/Lambda", dimensions = { FunctionName = local.default_names.tampering } }

  above = "GreaterThanThreshold"

  # Lambda gives up on what is older than maximum_record_age_seconds, so that an age beyond it is never seen.
  iterator_age_seconds = var.alarms == null ? 0 : coalesce(try(var.alarms.iterator_age_seconds, null), min(3600, var.maximum_record_age_seconds / 2))
  silence_minutes      = try(coalesce(var.alarms.silence_minutes), 0)

  alarms = {
    iterator-age = merge(local.function_metrics, local.once, {
      metric = "IteratorAge", statistic = "Maximum", comparison = local.above, threshold = local.iterator_age_seconds * 1000
      means  = "Changes wait over ${local.iterator_age_seconds} seconds for the function; after ${var.maximum_record_age_seconds} they go to the failures bucket."
    })
    function-errors = merge(local.function_metrics, local.lasting, {
      metric = "Errors", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "The function crashes, times out or doesn't start, and its batches are tried again."
    })
    function-throttled = merge(local.function_metrics, local.lasting, {
      metric = "Throttles", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Lambda has no concurrency left for the function, and changes wait."
    })
    near-time-out = merge(local.function_metrics, local.lasting, {
      metric = "Duration", statistic = "Maximum", comparison = local.above, threshold = var.timeout * 900
      means  = "Batches take over 90 % of the ${var.timeout} seconds that they may."
    })
    records-quarantined = merge(local.trail_metrics, local.once, {
      metric = "RecordsQuarantined", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Records that can't be stored as they are lie in the failures bucket under quarantine/."
    })
    changes-not-stored = merge(local.trail_metrics, local.lasting, {
      metric = "ChangesNotStored", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Changes are refused or can't be written, and are tried again until they are ${var.maximum_record_age_seconds} seconds old."
    })
    batches-given-up = merge(local.mapping_metrics, local.once, {
      metric = "OnFailureDestinationDeliveredEventCount", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Lambda gave up on changes; their payload lies in the failures bucket under aws/lambda/."
    })
    changes-dropped = merge(local.mapping_metrics, local.once, {
      metric = "DroppedEventCount", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Lambda gave up on changes and could not put them into the failures bucket: only the stream still has them, for 24 hours."
    })
    destination-failures = merge(local.function_metrics, local.once, {
      metric = "DestinationDeliveryFailures", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Lambda can't write to the failures bucket what it gives up on."
    })
    stream-mismatch = merge(local.trail_metrics, {
      metric = "StreamMismatch", statistic = "Maximum", comparison = local.above, threshold = 0
      period = 900, periods = 2, datapoints = 2, missing = "breaching" # the check itself may be dead
      means  = "The source table's stream isn't the one that is read, or nobody can tell: changes are lost 24 hours after they're made."
    })
    archive-stream-mismatch = merge(local.trail_metrics, {
      metric = "ArchiveStreamMismatch", statistic = "Maximum", comparison = local.above, threshold = 0
      period = 900, periods = 2, datapoints = 2, missing = "breaching" # as above
      means  = "The audit table's stream isn't the one that the archive reads, or that tampering is seen by, or nobody can tell: expired records are lost after 24 hours."
    })
    archive-late = merge(local.archive_metrics, local.once, {
      metric = "IteratorAge", statistic = "Maximum", comparison = local.above, threshold = local.iterator_age_seconds * 1000
      means  = "Expired records wait over ${local.iterator_age_seconds} seconds for the archive; after ${var.maximum_record_age_seconds} they go to the failures bucket under aws/lambda/."
    })
    archive-errors = merge(local.archive_metrics, local.lasting, {
      metric = "Errors", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "The function that archives crashes, times out or doesn't start, and its batches are tried again."
    })
    records-not-archived = merge(local.trail_metrics, local.lasting, {
      metric = "RecordsNotArchived", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Expired records can't be archived, and are tried again until they are ${var.maximum_record_age_seconds} seconds old."
    })
    archive-given-up = merge(local.archive_mapping_metrics, local.once, {
      metric = "OnFailureDestinationDeliveredEventCount", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Lambda gave up on expired records; their payload lies in the failures bucket under aws/lambda/."
    })
    archive-dropped = merge(local.archive_mapping_metrics, local.once, {
      metric = "DroppedEventCount", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Lambda gave up on expired records and could not put them into the failures bucket: only the audit table's stream still has them, for 24 hours."
    })
    records-tampered = merge(local.trail_metrics, local.once, {
      metric = "RecordsTampered", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "Somebody changes or deletes records of the audit table by hand."
    })
    records-expired-early = merge(local.trail_metrics, local.once, {
      metric = "RecordsExpiredEarly", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "TTL deletes records of the audit table before their time."
    })
    tampering-unseen = merge(local.tampering_metrics, local.lasting, {
      metric = "Errors", statistic = "Sum", comparison = local.above, threshold = 0
      means  = "The function that counts what is done to records by hand, or expires early, fails."
    })
    silence = merge(local.trail_metrics, {
      metric = "ChangesStored", statistic = "Sum", comparison = "LessThanThreshold", threshold = 1
      period = 60, periods = max(1, local.silence_minutes), datapoints = max(1, local.silence_minutes), missing = "breaching"
      means  = "No change was stored for ${local.silence_minutes} minutes."
    })
  }
  archive_alarms = ["archive-stream-mismatch", "archive-late", "archive-errors", "records-not-archived", "archive-given-up", "archive-dropped", "records-tampered", "records-expired-early", "tampering-unseen"]
  wanted_alarms = [
    for key in keys(local.alarms) : key
    if var.alarms != null && (key != "silence" || local.silence_minutes > 0) && (var.archive != null || !contains(local.archive_alarms, key))
  ]
}

resource "aws_cloudwatch_metric_alarm" "trail" {
  for_each = toset(local.wanted_alarms)

  alarm_name          = "${local.function_name}-${each.key}"
  alarm_description   = "${local.alarms[each.key].means} See docs/runbook.md#${each.key}"
  namespace           = local.alarms[each.key].namespace
  metric_name         = local.alarms[each.key].metric
  dimensions          = local.alarms[each.key].dimensions
  statistic           = local.alarms[each.key].statistic
  period              = local.alarms[each.key].period
  evaluation_periods  = local.alarms[each.key].periods
  datapoints_to_alarm = local.alarms[each.key].datapoints
  comparison_operator = local.alarms[each.key].comparison
  threshold           = local.alarms[each.key].threshold
  treat_missing_data  = local.alarms[each.key].missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags

  lifecycle {
    precondition {
      condition     = each.key != "iterator-age" || local.iterator_age_seconds < var.maximum_record_age_seconds
      error_message = "alarms.iterator_age_seconds must be less than maximum_record_age_seconds, ${var.maximum_record_age_seconds}: Lambda gives up on older changes, so that the alarm would never ring."
    }
  }
}

# By itself, an alarm on a metric of AWS/DynamoDB may keep its state when there is no data, whatever treat_missing_data
# says (AWS's API reference and its guide differ), and DynamoDB writes this one only when it throttles. Filled with
# zeros there is always data. An index has write units, and throttles, of its own: it needs an alarm of its own.
resource "aws_cloudwatch_metric_alarm" "audit_table_throttled" {
  for_each = {
    for key, dimensions in merge({ audit-table = {} }, {
      for name in keys(local.indexes) : "index-${replace(name, "_", "-")}" => { GlobalSecondaryIndexName = name }
    }) : key => dimensions if var.alarms != null
  }

  alarm_name          = "${local.function_name}-${each.key}-throttled"
  alarm_description   = "DynamoDB throttles writes to the ${replace(each.key, "-", " ")}, and changes are tried again. See docs/runbook.md#audit-table-throttled"
  evaluation_periods  = local.lasting.periods
  datapoints_to_alarm = local.lasting.datapoints
  comparison_operator = local.above
  threshold           = 0
  treat_missing_data  = local.lasting.missing
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags

  metric_query {
    id = "throttled"

    metric {
      namespace   = local.table_metrics.namespace
      metric_name = "WriteThrottleEvents"
      dimensions  = merge(local.table_metrics.dimensions, each.value)
      stat        = "Sum"
      period      = local.lasting.period
    }
  }

  metric_query {
    id          = "filled"
    expression  = "FILL(throttled, 0)"
    label       = "WriteThrottleEvents"
    return_data = true
  }
}
