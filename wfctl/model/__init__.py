"""The types that every part of wfctl uses: statuses, instances, history events, requests."""
