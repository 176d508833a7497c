"""Speed and memory of the running service, as ratios to yardsticks taken in the same minute."""
