"""What goes out by e-mail, one file a kind; ``post`` finds them and lays them out."""
