"""Networks that share their layers. The rows of member m are m R and on: R, whole vectors, is what each has of them."""
