-- memcached's own proxy in front of three netds, of which the second has twice the memory of the others:
--
--   memcached -p 22121 -o proxy_config=routelib,proxy_arg=proxy.lua
--
-- Needs a memcached that was configured with --enable-proxy, as 1.6.45 can be; Debian 12's has no proxy.
settings{
    backend_connect_timeout = 0.4,  -- seconds; without them a server that hangs holds up every client
    backend_read_timeout = 0.4,
    backend_failure_limit = 2,      -- a server that has failed so often in a row is not asked again ...
    backend_retry_waittime = 2,     -- ... for so many seconds
}

-- A server that is named twice gets twice as many keys. A new one goes at the end: then no key moves but to it.
local servers = {"127.0.0.1:22122", "127.0.0.1:22123", "127.0.0.1:22123", "127.0.0.1:22124"}

-- The same servers in each pool, but a key belongs to another one.
pools{
    first = {backends = servers},
    second = {backends = servers, options = {seed = "second"}},
    third = {backends = servers, options = {seed = "third"}},
}

-- The next pool is asked when a server fails, not when it misses.
routes{default = route_failover{children = {"first", "second", "third"}}}
