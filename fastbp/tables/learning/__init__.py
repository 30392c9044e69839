"""Networks that learn tables: the recipe, which rows train and validate, the trained model, and which columns matter."""
