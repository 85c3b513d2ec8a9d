# `terraform test` wants a configuration beside its tests. They bring their own modules in.
terraform {
  required_version = ">= 1.11"
}
