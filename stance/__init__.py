"""Who takes which stance, and in what tone, sentence by sentence in the news."""

__version__ = "0.1.0"
