"""Pure tensor functions for sound: state in, state out, no files, no random numbers."""
