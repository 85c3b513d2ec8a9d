# One page that shows how the trail is doing.

locals {
  dashboard_widgets = [
    {
      title = "Changes stored"
      stat  = "Sum"
      metrics = [
        for name in ["ChangesStoredInsert", "ChangesStoredModify", "ChangesStoredRemove", "Duplicates"] :
        merge(local.trail_metrics, { metric = name })
      ]
    },
    {
      title   = "Iterator age (milliseconds)"
      stat    = "Maximum"
      metrics = [merge(local.function_metrics, { metric = "IteratorAge" })]
    },
    {
      title   = "Oldest change of a batch (seconds)"
      stat    = "Maximum"
      metrics = [merge(local.trail_metrics, { metric = "OldestRecordAge" })]
    },
    {
      title = "Not stored, quarantined, given up, dropped"
      stat  = "Sum"
      metrics = concat(
        [for name in ["ChangesNotStored", "RecordsQuarantined"] : merge(local.trail_metrics, { metric = name })],
        [for name in ["OnFailureDestinationDeliveredEventCount", "DroppedEventCount"] : merge(local.mapping_metrics, { metric = name })],
        [merge(local.function_metrics, { metric = "DestinationDeliveryFailures" })],
      )
    },
    {
      title   = "Function: errors and throttles"
      stat    = "Sum"
      metrics = [for name in ["Errors", "Throttles"] : merge(local.function_metrics, { metric = name })]
    },
    {
      title   = "Function: duration (milliseconds)"
      stat    = "Maximum"
      metrics = [merge(local.function_metrics, { metric = "Duration" })]
    },
    {
      title   = "Audit table: write units, throttled writes"
      stat    = "Sum"
      metrics = [for name in ["ConsumedWriteCapacityUnits", "WriteThrottleEvents"] : merge(local.table_metrics, { metric = name })]
    },
    {
      title   = "Audit table: retried statements; images in S3"
      stat    = "Sum"
      metrics = [for name in ["StatementsRetried", "ImagesSpilled"] : merge(local.trail_metrics, { metric = name })]
    },
    {
      title   = "Bytes stored"
      stat    = "Sum"
      metrics = [merge(local.trail_metrics, { metric = "BytesStored" })]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "trail" {
  count = var.dashboard ? 1 : 0

  dashboard_name = local.function_name
  dashboard_body = jsonencode({
    widgets = [
      for index, widget in local.dashboard_widgets : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title  = widget.title
          region = data.aws_region.current.id
          stat   = widget.stat
          period = 300
          metrics = [
            for one in widget.metrics : concat([one.namespace, one.metric], flatten([for name, value in one.dimensions : [name, value]]))
          ]
        }
      }
    ]
  })
}
