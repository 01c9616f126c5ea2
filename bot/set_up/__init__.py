"""Making the GitHub App: its manifest, the page that sends somebody to GitHub with it, and what comes back."""
