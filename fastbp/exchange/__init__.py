"""Networks from and to other libraries, each in a module of its own that imports the library: see README.md here."""
