"""Instances that go and come while everybody plays on."""
