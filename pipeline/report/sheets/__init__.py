"""Pictures to judge the work by eye: contact sheets of faces, regions and what is wrong with a data set."""
