puts `hg log`
