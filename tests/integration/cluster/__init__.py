"""The store on a Redis Cluster, and on a primary that Sentinel names."""
