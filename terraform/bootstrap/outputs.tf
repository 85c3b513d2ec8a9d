output "state_bucket_name" {
  description = "Name of the state's bucket: `bucket` in backend.hcl, and the repository variable `STATE_BUCKET`."
  value       = aws_s3_bucket.state.id
}

output "pull_request_role_arn" {
  description = "ARN of the role that plans pull requests: the repository variable `AWS_PULL_REQUEST_ROLE_ARN`."
  value       = aws_iam_role.ci["pull-request"].arn
}

output "plan_role_arn" {
  description = "ARN of the role that plans the branch: the repository variable `AWS_PLAN_ROLE_ARN`."
  value       = aws_iam_role.ci["plan"].arn
}

output "deploy_role_arn" {
  description = "ARN of the role that deploys: the repository variable `AWS_DEPLOY_ROLE_ARN`."
  value       = aws_iam_role.ci["deploy"].arn
}

output "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the functions' roles: the repository variable `PERMISSIONS_BOUNDARY_ARN`, and the root's input `permissions_boundary_arn`."
  value       = aws_iam_policy.boundary.arn
}

output "deployer_policy_json" {
  description = "What the role that deploys may do to the trail, for a person who deploys without GitHub."
  value       = aws_iam_role_policy.trail["deploy"].policy
}
