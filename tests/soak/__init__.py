"""An hour of everything at once: random histories and one fault at each system call, then a long
life; see `__main__`. Not run by pytest: nothing here is called test_."""
