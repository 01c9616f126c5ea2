"""What is carried to the server: the automation's bundle, the repository's tree, history and changes."""
