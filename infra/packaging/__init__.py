"""Build what serverless.yml deploys: a zip per function, a layer of dependencies, a template."""
