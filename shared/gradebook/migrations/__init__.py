"""How the gradebook's schema came about, one revision after the other; run by `migrate`."""
