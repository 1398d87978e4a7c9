"""Runs the whole product on one machine: embedded engines and a supervisor. No Django here."""
