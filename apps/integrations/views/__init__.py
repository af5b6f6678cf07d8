"""The pages of imports and of mappings: translate, one call, translate."""
