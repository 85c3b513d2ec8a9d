# What every run starts from: a table with a simple key, as its resource or data source describes it.
handler_zip = "../../build/handler.zip"

source_table = {
  name             = "orders"
  arn              = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
  stream_arn       = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-11-24T00:00:00.000"
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"
  hash_key         = "order_id"
  range_key        = null
  attribute        = [{ name = "order_id", type = "N" }]
}
