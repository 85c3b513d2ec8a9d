# Where the functions run, if it is to be a VPC. Lambda makes and deletes the network interfaces there with their roles:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

locals {
  vpcs = var.vpc == null ? [] : [var.vpc]

  ec2_arn = "arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}"

  network_statements = flatten([for vpc in local.vpcs : [
    {
      # An id names one subnet or security group; which account it belongs to, a shared VPC doesn't tell.
      Sid    = "JoinNetwork"
      Effect = "Allow"
      Action = "ec2:CreateNetworkInterface"
      Resource = concat(
        ["${local.ec2_arn}:${data.aws_caller_identity.current.account_id}:network-interface/*"],
        [for id in sort(vpc.subnet_ids) : "${local.ec2_arn}:*:subnet/${id}"],
        [for id in sort(vpc.security_group_ids) : "${local.ec2_arn}:*:security-group/${id}"],
      )
    },
    {
      # Lambda asks for these when the function is made, before there is an interface to name, and is refused unless they
      # are allowed on everything.
      Sid      = "KeepInterfaces"
      Effect   = "Allow"
      Action   = ["ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"]
      Resource = "*"
    },
    {
      # Neither can be allowed on less than everything.
      Sid      = "SeeNetwork"
      Effect   = "Allow"
      Action   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      Resource = "*"
    },
    {
      # These are for Lambda itself, not for code that runs in a function.
      Sid    = "NotFromCode"
      Effect = "Deny"
      Action = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      Resource = "*"
      Condition = {
        ArnEquals = {
          "lambda:SourceFunctionArn" = [
            for name in [local.function_name, local.default_names.stream_check, local.default_names.archive, local.default_names.tampering] :
            "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:function:${name}"
          ]
        }
      }
    },
  ]])
}

resource "aws_iam_role_policy" "network" {
  count = length(local.vpcs)

  name = "network"
  role = aws_iam_role.function.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.network_statements
  })
}
