"""Work that outlives a request: durable jobs, run by a few threads, watched, cancelled, resumed after a restart."""
