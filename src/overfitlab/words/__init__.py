"""What is said to people, in English and Korean, and how to say values."""
