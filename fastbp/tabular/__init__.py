"""Networks that learn tables: the recipe, the rows that train and validate, the trained model, which columns matter."""
