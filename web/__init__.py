"""What stands between a page and the rules: cookies, access, forms, errors, headers, log."""
