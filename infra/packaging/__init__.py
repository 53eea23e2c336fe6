"""What serverless.yml deploys: a zip per function, a layer of dependencies, a checked template."""
