// Replaced by this layer's first source.
