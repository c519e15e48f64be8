"""Which rows to ask people about, and what their answers say of all labels."""
