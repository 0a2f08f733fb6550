"""End-to-end tests on real Open vSwitch; see README.md."""
