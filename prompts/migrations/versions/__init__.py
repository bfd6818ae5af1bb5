"""One file per step, each naming the step before it. A step that has been released is never edited."""
