"""The bytes sent to a client and their timing: answers, frames, faults and playback."""
