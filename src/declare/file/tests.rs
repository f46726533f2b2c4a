//! Tests of the comparison: whatever there is and whatever is wanted.
