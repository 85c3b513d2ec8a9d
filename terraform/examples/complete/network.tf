# Two subnets without a way out: the functions reach DynamoDB and S3 by gateway endpoints, which cost nothing, and the check
# of the stream reaches Lambda by an interface endpoint.

data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394: any two of the region's zones will do.

  state = "available"
}

resource "aws_vpc" "functions" {
  # checkov:skip=CKV2_AWS_11: it stands for a network of yours, with its own flow logs.
  # checkov:skip=CKV2_AWS_12: it stands for a network of yours; nothing here uses its default group.

  cidr_block           = "10.0.0.0/24"
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = local.tags
}

resource "aws_subnet" "functions" {
  count = 2

  vpc_id            = aws_vpc.functions.id
  cidr_block        = cidrsubnet(aws_vpc.functions.cidr_block, 2, count.index)
  availability_zone = data.aws_availability_zones.available.names[count.index]
  tags              = local.tags
}

resource "aws_route_table" "functions" {
  vpc_id = aws_vpc.functions.id
  tags   = local.tags
}

resource "aws_route_table_association" "functions" {
  count = 2

  subnet_id      = aws_subnet.functions[count.index].id
  route_table_id = aws_route_table.functions.id
}

resource "aws_security_group" "functions" {
  name        = "complete-orders-audit"
  description = "Functions of the audit trail: HTTPS to AWS and nothing else."
  vpc_id      = aws_vpc.functions.id
  tags        = local.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.functions.id
  description       = "HTTPS to the endpoints; no route leads further"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0" # the gateway endpoints' addresses are public ones
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  security_group_id            = aws_security_group.functions.id
  description                  = "The interface endpoint answers its own group"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.functions.id
  tags                         = local.tags
}

resource "aws_vpc_endpoint" "gateways" {
  for_each = toset(["dynamodb", "s3"])

  vpc_id            = aws_vpc.functions.id
  service_name      = "com.amazonaws.${data.aws_region.current.id}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.functions.id]
  tags              = local.tags
}

resource "aws_vpc_endpoint" "lambda" {
  vpc_id              = aws_vpc.functions.id
  service_name        = "com.amazonaws.${data.aws_region.current.id}.lambda"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.functions : subnet.id]
  security_group_ids  = [aws_security_group.functions.id]
  tags                = local.tags
}
