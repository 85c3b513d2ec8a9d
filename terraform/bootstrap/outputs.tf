output "state_bucket_name" {
  description = "Name of the state's bucket: `bucket` in backend.hcl, and the repository variable `STATE_BUCKET`."
  value       = aws_s3_bucket.state.id
}

output "plan_role_arn" {
  description = "ARN of the role that plans: the repository variable `AWS_PLAN_ROLE_ARN`."
  value       = aws_iam_role.ci["plan"].arn
}

output "deploy_role_arn" {
  description = "ARN of the role that deploys: the repository variable `AWS_DEPLOY_ROLE_ARN`."
  value       = aws_iam_role.ci["deploy"].arn
}

output "deployer_policy_json" {
  description = "What the role that deploys may do to the trail, for a person who deploys without GitHub."
  value       = aws_iam_role_policy.trail["deploy"].policy
}
