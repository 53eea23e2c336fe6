"""The store on a Redis Cluster and on a primary found through Sentinel."""
