"""What an automation prints: kept in bounded memory, searched for its first error, freed of terminal control."""
