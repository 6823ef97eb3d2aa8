# Perl's Cache::Memcached::Fast: prints as one line of JSON what each of its calls returns. Argument: host:port.
use strict;
use warnings;

use Cache::Memcached::Fast;
use JSON::PP;
use Time::HiRes qw(sleep);

my ($server) = @ARGV;
my $mc = Cache::Memcached::Fast->new({
    servers => [$server],
    namespace => 'fast:',
    utf8 => 1,
    compress_threshold => 1000,
    connect_timeout => 1000,
    io_timeout => 1000,
});
my @outcomes;

sub step {
    my ($name, $outcome) = @_;
    push @outcomes, [$name, ref $outcome || !defined $outcome ? $outcome : "$outcome"];
}

step('get of nothing', $mc->get('key'));
step('replace of nothing', $mc->replace('key', 'value'));
step('add', $mc->add('key', 'value'));
step('add again', $mc->add('key', 'other'));
step('replace', $mc->replace('key', 'middle'));
step('append', $mc->append('key', ' end'));
step('prepend', $mc->prepend('key', 'start '));
step('get', $mc->get('key'));
step('delete', $mc->delete('key'));
step('delete again', $mc->delete('key'));

step('set of text', $mc->set('text', "na\x{ef}ve \x{2615}"));
step('get of text', $mc->get('text'));
step('set of a structure', $mc->set('structure', {list => [1, 2]}));
step('get of a structure', $mc->get('structure'));
step('set of what is compressed', $mc->set('long', 'compresses well ' x 200_000));
step('get of what is compressed', $mc->get('long') eq 'compresses well ' x 200_000);

step('incr of nothing', $mc->incr('counter'));
step('set of a number', $mc->set('counter', 10));
step('incr', $mc->incr('counter', 2));
step('decr', $mc->decr('counter', 3));
step('decr below 0', $mc->decr('counter', 100));

step('set of many', [$mc->set_multi(['one', 1], ['two', 2], ['three', 3, 100])]);
step('get of many', $mc->get_multi('one', 'two', 'three', 'four'));
step('delete of many', [$mc->delete_multi('one', 'four')]);
my $found = $mc->gets('two');
step('gets', $found->[1]);
step('cas', $mc->cas('two', $found->[0], 'new'));
step('cas again', $mc->cas('two', $found->[0], 'newer'));
step('cas of nothing', $mc->cas('four', $found->[0], 'new'));
step('get after cas', $mc->get('two'));

# Calls in void context send noreply.
$mc->set("many$_", $_) for 1 .. 1000;
$mc->delete('many1');
$mc->nowait_push;
my $many = $mc->get_multi(map { "many$_" } 1 .. 1000);
step('get after 1000 sets without a reply', scalar(grep { $many->{"many$_"} == $_ } keys %$many ? 2 .. 1000 : ()));

step('set with a TTL', $mc->set('short', 'value', 1));
step('touch', $mc->touch('three', 200));
step('touch of nothing', $mc->touch('four', 200));
sleep(0.01) while defined $mc->get('short');
step('get after the TTL', $mc->get('short'));

step('versions', scalar(values %{$mc->server_versions}));
step('flush', values %{$mc->flush_all});
step('get after the flush', $mc->get('three'));

print JSON::PP->new->ascii->canonical->encode(\@outcomes), "\n";
