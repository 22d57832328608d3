"""What a model is made of, and how much memory it takes."""
