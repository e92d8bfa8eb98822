"""What every part of wfctl speaks of: statuses, instances, history events, requests."""
