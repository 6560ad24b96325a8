"""Recording → chunks of speech; what a model heard in them → sentences with times in the recording."""
