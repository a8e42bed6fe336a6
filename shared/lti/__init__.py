"""Sending grades to an LMS: LTI 1.1 Basic Outcomes and LTI 1.3 Assignment and Grade Services.

Whoever posts knows `port` alone. The adapters know one LMS each, and neither a gradebook nor a
queue: what to send, when and how often again is the outbox's matter.
"""
