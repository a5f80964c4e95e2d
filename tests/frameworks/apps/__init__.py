"""One app for each framework: a route with a seeded fault, named after what is wrong in it."""
