"""A long game with everything going wrong, after which not one change may be missing."""
