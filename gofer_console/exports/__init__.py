"""Grades as files for people, spreadsheets and learning platforms: one module a layout."""
