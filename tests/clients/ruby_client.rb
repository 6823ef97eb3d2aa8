# Ruby's Dalli: prints as one line of JSON what each of its calls comes to. Argument: host:port.
require 'dalli'
require 'json'
require 'logger'

Dalli.logger = Logger.new($stderr)
# So long that no call ends by it.
client = Dalli::Client.new(ARGV, socket_timeout: 1000)

def outcome
  yield
rescue Dalli::DalliError => error
  error.class.name
end

puts JSON.generate([
  outcome { client.set('key', 'value').is_a?(Integer) },
  outcome { client.get('key') },
  outcome { client.delete('key') },
  outcome { client.get('key') }
])
