"""What is sent, and when: answers, frames, faults and playback."""
