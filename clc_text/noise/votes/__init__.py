"""What several sources say of each row: their noise, and the true classes that their votes and a classifier show."""
