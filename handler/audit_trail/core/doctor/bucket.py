"""The trail's buckets, and what waits in them."""

from audit_trail.core import archive, spill
from audit_trail.core.doctor.facts import Bucket, Facts, LifecycleRule, Waiting, seen
from audit_trail.core.doctor.findings import Finding, Section, Verdict, ok, problem, unknown, warning
from audit_trail.core.durations import lasting
from audit_trail.core.failures import LAMBDA_PREFIX, QUARANTINE_PREFIX

KEPT = (archive.PREFIX, spill.PREFIX, LAMBDA_PREFIX, QUARANTINE_PREFIX)
"""Prefixes of what nothing but a person may delete."""


def setup(facts: Facts) -> Finding:
    """Check that each of the trail's buckets keeps what is overwritten or deleted, and isn't public."""
    settings = seen(facts.settings)
    history, failures = settings.get("TRAIL_BUCKET", ""), settings.get("FAILURES_BUCKET", "")
    if not failures or failures == history:
        found = [_kept(history, seen(facts.bucket), "what Lambda gives up on")]
    else:
        found = [
            _kept(failures, seen(facts.failures_bucket), "what Lambda gives up on"),
            _kept(history, seen(facts.bucket), "any image or archived record in it"),
        ]
    wrong = [one for verdict in (Verdict.PROBLEM, Verdict.WARNING) for one in found if one.verdict is verdict]
    return next(iter(wrong), ok("the buckets are versioned, and block public access"))


def _kept(name: str, found: Bucket | None, held: str) -> Finding:
    if found is None:
        return problem(f"the bucket {name} is gone: `make deploy`; {held} is lost", Section.DESTINATION_FAILURES)
    if found.policy_is_public and not found.blocks_public_access:
        return problem(f"the bucket {name}, which holds items' data, is public: `make deploy`")
    wrong = [] if found.versioning == "Enabled" else [f"its versioning is {found.versioning}"]
    wrong += [] if found.blocks_public_access else ["public access to it isn't blocked"]
    if wrong:
        return warning(f"the bucket {name} is not as Terraform makes it: {', '.join(wrong)}; `make deploy`")
    return ok(f"the bucket {name} is as Terraform makes it")


def lifecycle(facts: Facts) -> Finding:
    """Check that no lifecycle rule deletes what the history needs, or what waits to be put back.

    Terraform makes rules that move the history bucket's objects to another storage class, and none that deletes any; there
    every version counts, since a rule for noncurrent ones makes a deletion final. Of the failures bucket, what was put back
    expires, and leaves noncurrent versions that do.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
    """
    settings = seen(facts.settings)
    history, failures = settings.get("TRAIL_BUCKET", ""), settings.get("FAILURES_BUCKET", "")
    judged = [(history, seen(facts.lifecycle), _deleted)]
    if failures and failures != history:
        judged.append((failures, seen(facts.failures_lifecycle), _deleted_waiting))
    for name, rules, deleted in judged:
        deleting = [(rule.name or "unnamed", lost) for rule in rules or () if (lost := deleted(rule))]
        if deleting:
            listed = "; ".join(f"{rule} deletes {', '.join(lost)}" for rule, lost in deleting)
            return problem(
                f"lifecycle rules of the bucket {name} delete history, or what waits to be put back: {listed}; remove "
                "them, and see who made them",
                Section.RECORDS_TAMPERED,
            )
    for name, rules, _ in judged:
        if rules is None:
            return unknown(f"the bucket {name} is gone: `make deploy`", Section.DESTINATION_FAILURES)
    return ok("no lifecycle rule of the buckets deletes what is kept in them")


def _deleted(rule: LifecycleRule) -> list[str]:
    if not (rule.enabled and rule.deletes):
        return []
    return [kept for kept in KEPT if kept.startswith(rule.prefix) or rule.prefix.startswith(kept)]


def _deleted_waiting(rule: LifecycleRule) -> list[str]:
    return [] if rule.only_noncurrent else _deleted(rule)


def given_up(facts: Facts) -> Finding:
    """Check that no batch waits that Lambda gave up on."""
    return _waiting(facts, seen(facts.given_up), "batches that Lambda gave up on", Section.BATCHES_GIVEN_UP)


def quarantined(facts: Facts) -> Finding:
    """Check that no record waits that can't be stored as it is."""
    return _waiting(
        facts, seen(facts.quarantined), "records that can't be stored as they are", Section.RECORDS_QUARANTINED
    )


def _waiting(facts: Facts, found: Waiting, what: str, section: Section) -> Finding:
    if found.oldest is None:
        return ok(f"the failures bucket has no {what}")
    count = f"{found.objects:,} or more" if found.more else f"{found.objects:,}"
    age = lasting((facts.now - found.oldest).total_seconds())
    return problem(
        f"{what} wait in the failures bucket: {count}, for up to {age}; `trail failures`, then `trail redrive`", section
    )
